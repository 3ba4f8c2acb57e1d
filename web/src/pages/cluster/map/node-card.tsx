import { Anchor, Badge, Group, Paper, Stack, Text, Tooltip } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { Node } from '../../../../../src/sdk/types.gen.ts';
import { useNow } from '../../../parts/time.tsx';
import { formatCpu, formatRam } from '../../../text/quantities.ts';
import { formatAgo } from '../../../text/times.ts';
import { GpuDevices } from './gpu-devices.tsx';
import { HeldBar } from './held-bar.tsx';

interface NodeCardProps {
  readonly node: Node;
  readonly isInMaintenance: boolean;
  readonly onOpen: () => void;
}

/** A node at a glance: its devices and who holds them, its memory and CPU, and whether it takes more. */
export function NodeCard({ node, isInMaintenance, onOpen }: NodeCardProps) {
  const { name, resources, gpus, allocations = [], warnings, labels } = node;
  return (
    <Paper withBorder p="sm" role="listitem" style={{ opacity: node.reachable ? 1 : 0.7 }}>
      <Stack gap={8}>
        <Group justify="space-between" wrap="nowrap" gap="xs">
          <Anchor component="button" type="button" fw={600} size="sm" truncate onClick={onOpen} ta="left">
            {name}
          </Anchor>
          <Group gap={4} wrap="nowrap">
            {warnings.length > 0 && (
              <Tooltip label={warnings.join(' ')}>
                <IconAlertTriangle size={16} color="var(--mantine-color-orange-6)" aria-label={warnings.join(' ')} />
              </Tooltip>
            )}
            {isInMaintenance && <Badge color="orange">maintenance</Badge>}
            {node.status !== 'ready' && <Badge color={statusColor(node.status)}>{node.status}</Badge>}
          </Group>
        </Group>
        {node.drain !== null && <Drain drain={node.drain} />}
        {gpus.length > 0 && <GpuDevices gpus={gpus} allocations={allocations} />}
        <HeldBar label="Memory" of="ram" total={resources.total.ram} allocations={allocations} format={formatRam} />
        <HeldBar label="CPU" of="cpu" total={resources.total.cpu} allocations={allocations} format={formatCpu} />
        <Text size="xs" c="dimmed" truncate>
          {[modelOf(node), ...Object.entries(labels).map(([key, value]) => `${key}=${value}`), node.engine?.name]
            .filter((part) => part !== undefined)
            .join(' · ')}
        </Text>
      </Stack>
    </Paper>
  );
}

export function statusColor(status: Node['status']): string {
  if (status === 'ready') return 'teal';
  return status === 'unreachable' ? 'red' : 'orange';
}

function modelOf({ gpus }: Node): string | undefined {
  const models = [...new Set(gpus.map(({ model }) => model))].filter((model) => model !== 'generic');
  return models.length === 0 ? undefined : models.join(', ');
}

function Drain({ drain }: { readonly drain: NonNullable<Node['drain']> }) {
  const now = useNow(10_000);
  const left = drain.left.length;
  if (drain.drained_at !== null) return <Text size="xs">Nothing is left on it.</Text>;
  const deadline =
    drain.deadline === null ? '' : `; what has not finished is stopped ${formatAgo(drain.deadline, now)}`;
  return (
    <Text size="xs">
      {left === 100 ? 'A hundred or more' : left} still there{deadline}.
    </Text>
  );
}
