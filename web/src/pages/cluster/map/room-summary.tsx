import { Group, Stack, Text } from '@mantine/core';
import type { Cluster, Node } from '../../../../../src/sdk/types.gen.ts';
import { formatCpu, formatGpu, formatNumber, formatRam, percentOf } from '../../../text/quantities.ts';
import { type Room, roomOf } from './room.ts';

interface RoomSummaryProps {
  readonly cluster: Cluster;
  readonly nodes: readonly Node[];
  /** All of its nodes are there. */
  readonly isWhole: boolean;
}

/** How full the cluster is, and the largest that it could take now: what is free in sum may lie in many places. */
export function RoomSummary({ cluster: { resources }, nodes, isWhole }: RoomSummaryProps) {
  const { total, allocated } = resources;
  const room = roomOf(nodes);
  const facts = [
    { label: 'Memory', value: percentOf(allocated.ram, total.ram), rest: formatRam(resources.available.ram) },
    { label: 'CPU', value: percentOf(allocated.cpu, total.cpu), rest: formatCpu(resources.available.cpu) },
    ...(total.gpu > 0
      ? [{ label: 'GPU', value: percentOf(allocated.gpu, total.gpu), rest: formatGpu(resources.available.gpu) }]
      : []),
  ];
  return (
    <Stack gap={6}>
      <Group gap="xl">
        {facts.map(({ label, value, rest }) => (
          <div key={label}>
            <Text size="xs" c="dimmed">
              {label}
            </Text>
            <Text fz={22} fw={700} lh={1.2}>
              {Math.round(value)} %
            </Text>
            <Text size="xs" c="dimmed">
              {rest} free
            </Text>
          </div>
        ))}
      </Group>
      {isWhole && (
        <Text size="sm" maw={640}>
          {sentenceOf(room, total.gpu > 0)}
        </Text>
      )}
    </Stack>
  );
}

function sentenceOf(room: Room, hasGpus: boolean): string {
  const closed =
    room.closed === 0 ? '' : ` ${room.closed} ${room.closed === 1 ? 'node takes' : 'nodes take'} nothing new.`;
  const plain = `One node could give up to ${formatRam(room.freeRamOnOneNode)} or ${formatCpu(room.freeCpuOnOneNode)} now.`;
  if (!hasGpus) return plain + closed;
  return `${gpusOf(room)} ${plain}${closed}`;
}

function gpusOf({ freeGpus, wholeGpus, wholeGpusOnOneNode }: Room): string {
  const parts = Math.round((freeGpus - wholeGpus) * 1000) / 1000;
  const split = parts > 0 ? `${formatGpu(parts)} ${parts === 1 ? 'is' : 'are'} free in parts of devices` : '';
  if (wholeGpus === 0) return split === '' ? 'No GPU is free.' : `No GPU is wholly free; ${split}.`;
  const whole = `${formatGpu(wholeGpus)} ${wholeGpus === 1 ? 'is' : 'are'} wholly free, ${formatNumber(wholeGpusOnOneNode)} of them on one node`;
  return split === '' ? `${whole}.` : `${whole}; ${split}.`;
}
