/** How much of something is taken: of the capacity of a cluster or a node, or of what was asked for. */
import { Group, Progress, Stack, Text } from '@mantine/core';
import { formatNumber, formatRam, percentOf } from '../text/quantities.ts';

interface UsageBarProps {
  readonly label: string;
  readonly used: number;
  readonly total: number;
  readonly format?: (value: number) => string;
  /** Of what is taken by being allocated: how much is really in use, null where that is not known. Absent: not told. */
  readonly inUse?: number | null | undefined;
}

export function UsageBar({ label, used, total, format = formatNumber, inUse }: UsageBarProps) {
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
      {inUse !== undefined && <InUse label={label} inUse={inUse} total={total} format={format} />}
    </Stack>
  );
}

function InUse({
  label,
  inUse,
  total,
  format,
}: Required<Pick<UsageBarProps, 'label' | 'total' | 'format'>> & { readonly inUse: number | null }) {
  const percent = inUse === null ? null : percentOf(inUse, total);
  return (
    <Group gap="xs" wrap="nowrap" justify="flex-end">
      {percent !== null && (
        <Progress
          flex={1}
          size="xs"
          color="teal"
          value={Math.min(100, percent)}
          aria-label={`${label}, in use: ${Math.round(percent)} percent`}
        />
      )}
      <Text size="xs" c="dimmed" w={110} ta="right" style={{ whiteSpace: 'nowrap' }}>
        {inUse === null ? 'use not known' : `${format(inUse)} used`}
      </Text>
    </Group>
  );
}

interface Amounts {
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
}

interface AmountBarsProps {
  readonly used: Amounts;
  readonly total: Amounts;
  readonly inUse?: { readonly [Dimension in keyof Amounts]: number | null } | undefined;
}

/** A bar for each dimension that there is. */
export function AmountBars({ used, total, inUse }: AmountBarsProps) {
  return (
    <Stack gap="xs">
      <UsageBar label="Memory" used={used.ram} total={total.ram} format={formatRam} inUse={inUse?.ram} />
      <UsageBar label="CPU" used={used.cpu} total={total.cpu} inUse={inUse?.cpu} />
      {total.gpu > 0 && <UsageBar label="GPU" used={used.gpu} total={total.gpu} inUse={inUse?.gpu} />}
    </Stack>
  );
}
