import { Badge, Checkbox, Group, Text, Tooltip } from '@mantine/core';
import { IconPin } from '@tabler/icons-react';
import type { QueueEntry } from '../../../../../src/sdk/types.gen.ts';
import { Link } from '../../../parts/link.tsx';
import { Ago } from '../../../parts/time.tsx';
import type { Column } from '../../../parts/virtual-table.tsx';
import { formatAmounts, formatNumber } from '../../../text/quantities.ts';
import { formatFull, formatTime } from '../../../text/times.ts';
import { raisedByAge, reasonInWords } from './waiting-words.ts';

export interface Selection {
  readonly selected: ReadonlyMap<string, QueueEntry>;
  readonly setSelected: (selected: ReadonlyMap<string, QueueEntry>) => void;
}

/** With boxes to select by, where there is something to do with what is selected. */
export function columnsOf(rows: readonly QueueEntry[], selection: Selection | null): readonly Column<QueueEntry>[] {
  return selection === null ? columns : [boxesOf(rows, selection), ...columns];
}

function boxesOf(rows: readonly QueueEntry[], { selected, setSelected }: Selection): Column<QueueEntry> {
  const isAll = rows.every(({ deployment_id: id }) => selected.has(id));
  return {
    name: 'selected',
    width: '24px',
    label: (
      <Checkbox
        size="xs"
        aria-label="Select all that are loaded"
        checked={isAll}
        indeterminate={!isAll && selected.size > 0}
        onChange={() => setSelected(isAll ? new Map() : new Map(rows.map((row) => [row.deployment_id, row])))}
      />
    ),
    cell: (row) => (
      <Checkbox
        size="xs"
        aria-label={`Select ${row.name}`}
        checked={selected.has(row.deployment_id)}
        onClick={(event) => event.stopPropagation()}
        onChange={() => {
          const next = new Map(selected);
          if (!next.delete(row.deployment_id)) next.set(row.deployment_id, row);
          setSelected(next);
        }}
      />
    ),
  };
}

const columns: readonly Column<QueueEntry>[] = [
  { name: 'position', label: '#', width: '44px', cell: ({ position }) => formatNumber(position) },
  {
    name: 'name',
    label: 'Name',
    width: 'minmax(120px, 1fr)',
    cell: ({ deployment_id: id, name }) => (
      <Text
        component={Link}
        to={`/deployments/${id}`}
        inherit
        fw={500}
        c="var(--mantine-color-anchor)"
        onClick={(event) => event.stopPropagation()}
      >
        {name}
      </Text>
    ),
  },
  { name: 'priority', label: 'Priority', width: '90px', cell: (entry) => <Priority entry={entry} /> },
  {
    name: 'wants',
    label: 'Asks for',
    width: 'minmax(210px, 1.2fr)',
    cell: (one) =>
      `${one.replicas > 1 ? `${one.replicas} × ` : ''}${formatAmounts({ ram: one.ram_required, cpu: one.cpu_required, gpu: one.gpu_required })}`,
  },
  { name: 'why', label: 'Why it waits', width: 'minmax(200px, 1.8fr)', cell: (entry) => <Why entry={entry} /> },
  { name: 'since', label: 'Waits since', width: '100px', cell: ({ queued_at: at }) => <Ago at={at} /> },
];

/** What its user gave it, less what its age took off. */
function Priority({ entry }: { readonly entry: QueueEntry }) {
  const age = raisedByAge(entry);
  if (age === 0) return entry.priority;
  return (
    <Tooltip label={`Submitted with ${entry.priority}; by its age as urgent as ${entry.effective_priority}.`}>
      <Text inherit span>
        <b>{entry.effective_priority}</b>{' '}
        <Text inherit span c="dimmed">
          = {entry.priority} − {age}
        </Text>
      </Text>
    </Tooltip>
  );
}

function Why({ entry }: { readonly entry: QueueEntry }) {
  const { reason, message, reservation, shortfall } = entry;
  const isShort = shortfall.ram > 0 || shortfall.cpu > 0 || shortfall.gpu > 0;
  return (
    <Group gap={6} wrap="nowrap">
      {reservation !== null && (
        <Tooltip label={keptInWords(reservation)}>
          <Badge color="indigo" leftSection={<IconPin size={12} />}>
            {reservation.starts_at === null ? 'kept' : `by ${formatTime(reservation.starts_at)}`}
          </Badge>
        </Tooltip>
      )}
      <Tooltip label={`${sentence(message)}${isShort ? ` Missing: ${formatAmounts(shortfall)}.` : ''}`}>
        <Text inherit truncate>
          {reasonInWords(reason)}
          {isShort && (
            <Text inherit span c="dimmed">
              , {formatAmounts(shortfall)} short
              {entry.nearest_node === null ? '' : ` on ${entry.nearest_node}`}
            </Text>
          )}
        </Text>
      </Tooltip>
    </Group>
  );
}

function keptInWords({ nodes, starts_at: at }: NonNullable<QueueEntry['reservation']>): string {
  const where = nodes.length === 0 ? '' : ` on ${nodes.join(', ')}`;
  return at === null
    ? `Room is kept for it${where}, from what becomes free.`
    : `Room is kept for it${where}: by the time limits of what runs there, it starts by ${formatFull(at)}.`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
