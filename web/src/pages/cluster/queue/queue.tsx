/** Who waits, in the order of the scheduler, and why; what can be done about it. */
import { Alert, Button, Group, Stack } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Cluster, QueueEntry } from '../../../../../src/sdk/types.gen.ts';
import { useMay } from '../../../parts/may.ts';
import { Empty, PageLoading, ProblemAlert } from '../../../parts/page-states.tsx';
import { VirtualTable } from '../../../parts/virtual-table.tsx';
import { useClusterSearch } from '../use-cluster-search.ts';
import { BulkActions } from './bulk-actions.tsx';
import { columnsOf } from './columns.tsx';
import { QueueFilters } from './queue-filters.tsx';
import { RunPass } from './run-pass.tsx';
import { useQueue } from './use-queue.ts';

export default function QueueTab({ cluster }: { readonly cluster: Cluster }) {
  const [{ user, name }, change] = useClusterSearch(cluster.id);
  const navigate = useNavigate();
  const may = useMay('developer');
  const filter = { ...(user !== undefined && { submitted_by: user }), ...(name !== undefined && { name }) };
  const { list, isOld, refresh } = useQueue(cluster.id, filter);
  const [selected, setSelected] = useState<ReadonlyMap<string, QueueEntry>>(new Map());
  const rows = list.data?.pages.flatMap(({ items }) => items) ?? [];
  const isFiltered = user !== undefined || name !== undefined;
  const done = async () => {
    setSelected(new Map());
    await refresh();
  };
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <QueueFilters user={user} name={name} onChange={change} />
        {may && <RunPass clusterId={cluster.id} onDone={refresh} />}
      </Group>
      {may && selected.size > 0 && (
        <BulkActions entries={[...selected.values()]} onDone={done} onClear={() => setSelected(new Map())} />
      )}
      {isOld && (
        <Alert color="blue" p="xs">
          <Group justify="space-between">
            The queue has changed since this was read.
            <Button size="xs" variant="default" onClick={() => void refresh()}>
              Show how it is now
            </Button>
          </Group>
        </Alert>
      )}
      {list.error !== null && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <PageLoading />}
      {list.isSuccess && rows.length === 0 && (
        <Empty title={isFiltered ? 'Nothing matches' : 'Nothing waits'}>
          {isFiltered
            ? 'Nobody with these filters is in the queue.'
            : 'Whatever is submitted now starts as soon as there is room.'}
        </Empty>
      )}
      {rows.length > 0 && (
        <VirtualTable
          label="Queue"
          columns={columnsOf(rows, may ? { selected, setSelected } : null)}
          rows={rows}
          idOf={({ deployment_id: id }) => id}
          onOpen={({ deployment_id: id }) =>
            void navigate({ to: '/deployments/$deploymentId', params: { deploymentId: id } })
          }
          onEnd={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
          isLoadingMore={list.isFetchingNextPage}
          height="max(320px, calc(100vh - 330px))"
        />
      )}
    </Stack>
  );
}
