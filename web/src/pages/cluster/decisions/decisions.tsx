/** The passes that changed something, the latest first; one of them opened. */
import { Badge, Drawer, Group, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { Cluster, Pass } from '../../../../../src/sdk/types.gen.ts';
import { passesQuery } from '../../../api/cluster-queries.ts';
import { Empty, PageLoading, ProblemAlert } from '../../../parts/page-states.tsx';
import { Ago } from '../../../parts/time.tsx';
import { type Column, VirtualTable } from '../../../parts/virtual-table.tsx';
import { formatDuration } from '../../../text/times.ts';
import { useClusterSearch } from '../use-cluster-search.ts';
import { PassView } from './pass-view.tsx';

export default function DecisionsTab({ cluster }: { readonly cluster: Cluster }) {
  const [{ pass }, change] = useClusterSearch(cluster.id);
  const list = useInfiniteQuery(passesQuery(cluster.id));
  if (list.isPending) return <PageLoading />;
  if (list.data === undefined) return <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />;
  const rows = list.data.pages.flatMap(({ items }) => items);
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        A pass looks at everybody who waits and decides who starts. Those that changed something are listed.
      </Text>
      {rows.length === 0 ? (
        <Empty title="Nothing was decided yet">The first deployment that starts here makes the first entry.</Empty>
      ) : (
        <VirtualTable
          label="Passes"
          columns={columns}
          rows={rows}
          idOf={({ id }) => id}
          onOpen={({ id }) => change({ pass: id })}
          onEnd={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
          isLoadingMore={list.isFetchingNextPage}
          height="max(320px, calc(100vh - 320px))"
        />
      )}
      <Drawer
        opened={pass !== undefined}
        onClose={() => change({ pass: undefined })}
        position="right"
        size="xl"
        title="One pass of the scheduler"
      >
        {pass !== undefined && <PassView id={pass} known={rows.find(({ id }) => id === pass)} />}
      </Drawer>
    </Stack>
  );
}

const columns: readonly Column<Pass>[] = [
  { name: 'when', label: 'When', width: '110px', cell: ({ created_at: at }) => <Ago at={at} /> },
  {
    name: 'why',
    label: 'Began',
    width: '90px',
    cell: ({ trigger }) => (trigger === 'api' ? 'on request' : 'by itself'),
  },
  { name: 'queued', label: 'Waiting', width: '80px', cell: ({ queued }) => queued },
  { name: 'admitted', label: 'Admitted', width: '80px', cell: ({ admitted }) => admitted },
  {
    name: 'best',
    label: 'Best possible',
    width: '140px',
    cell: ({ bound, gap, proven_optimal: isProven }) => {
      if (bound === null || gap === null) return '–';
      return isProven === true || gap === 0 ? (
        <Badge color="teal">{bound}, proven</Badge>
      ) : (
        <Badge color="yellow">
          at most {bound}, gap {gap}
        </Badge>
      );
    },
  },
  {
    name: 'more',
    label: 'Besides',
    width: 'minmax(180px, 1fr)',
    cell: ({ promoted, reservations, preemptions }) => (
      <Group gap={6} wrap="nowrap">
        {preemptions.length > 0 && <Badge color="orange">{preemptions.length} stopped others</Badge>}
        {reservations > 0 && <Badge color="indigo">{reservations} with room kept</Badge>}
        {promoted > 0 && <Badge color="gray">{promoted} raised by age</Badge>}
      </Group>
    ),
  },
  { name: 'took', label: 'Took', width: '80px', cell: ({ duration_ms: ms }) => formatDuration(ms / 1000) },
];
