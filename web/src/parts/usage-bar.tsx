/** How much of something is taken: of the capacity of a cluster or a node, or of what was asked for. */
import { Group, Progress, Stack, Text } from '@mantine/core';
import { formatNumber, formatRam, percentOf } from '../text/quantities.ts';

interface UsageBarProps {
  readonly label: string;
  readonly used: number;
  readonly total: number;
  readonly format?: (value: number) => string;
}

export function UsageBar({ label, used, total, format = formatNumber }: UsageBarProps) {
  const percent = percentOf(used, total);
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <Text size="sm" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {format(used)} of {format(total)}
        </Text>
      </Group>
      <Progress value={Math.min(100, percent)} aria-label={`${label}: ${Math.round(percent)} percent`} />
    </Stack>
  );
}

interface Amounts {
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
}

/** A bar for each dimension that there is. */
export function AmountBars({ used, total }: { readonly used: Amounts; readonly total: Amounts }) {
  return (
    <Stack gap="xs">
      <UsageBar label="Memory" used={used.ram} total={total.ram} format={formatRam} />
      <UsageBar label="CPU" used={used.cpu} total={total.cpu} />
      {total.gpu > 0 && <UsageBar label="GPU" used={used.gpu} total={total.gpu} />}
    </Stack>
  );
}
