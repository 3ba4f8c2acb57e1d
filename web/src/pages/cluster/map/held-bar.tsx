import { Group, Progress, Text, Tooltip } from '@mantine/core';
import type { Node } from '../../../../../src/sdk/types.gen.ts';
import { percentOf } from '../../../text/quantities.ts';
import { holderColor } from './holder-color.ts';

type Allocation = NonNullable<Node['allocations']>[number];

interface HeldBarProps {
  readonly label: string;
  readonly of: 'ram' | 'cpu';
  readonly total: number;
  readonly allocations: readonly Allocation[];
  readonly format: (value: number) => string;
}

/** One dimension of a node, a piece for each who holds some of it. */
export function HeldBar({ label, of, total, allocations, format }: HeldBarProps) {
  const holders = allocations.filter((one) => one[of] > 0);
  const held = holders.reduce((sum, one) => sum + one[of], 0);
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="xs" w={52} c="dimmed">
        {label}
      </Text>
      <Tooltip
        label={
          holders.length === 0
            ? `All ${format(total)} are free.`
            : holders.map((one) => `${one.name}: ${format(one[of])}`).join(', ')
        }
      >
        <Progress.Root size="md" flex={1} aria-label={`${label}: ${format(held)} of ${format(total)} held`} role="img">
          {holders.map((one) => (
            <Progress.Section
              key={`${one.deployment_id} ${one.replica}`}
              value={percentOf(one[of], total)}
              color={holderColor(one.deployment_id)}
              withAria={false}
            />
          ))}
        </Progress.Root>
      </Tooltip>
      <Text size="xs" w={44} ta="right" style={{ whiteSpace: 'nowrap' }}>
        {Math.round(percentOf(held, total))} %
      </Text>
    </Group>
  );
}
