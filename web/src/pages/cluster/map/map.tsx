/** The cluster as it is now: its nodes, who holds what of them, what is free in one place; and how full it was. */
import { Button, Group, Stack, Text } from '@mantine/core';
import { IconTool } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
import { maintenanceQuery, mapQuery } from '../../../api/cluster-queries.ts';
import { useMay } from '../../../parts/may.ts';
import { PageLoading, ProblemAlert } from '../../../parts/page-states.tsx';
import { useClusterSearch } from '../use-cluster-search.ts';
import { MaintenanceList } from './maintenance-list.tsx';
import { NodeDrawer } from './node-drawer.tsx';
import { NodeGrid } from './node-grid.tsx';
import { RoomSummary } from './room-summary.tsx';

const Utilization = lazy(() => import('./utilization.tsx'));
const PlanMaintenance = lazy(() => import('./plan-maintenance.tsx'));
const AddNode = lazy(() => import('./add-node.tsx'));

export default function MapTab({ cluster }: { readonly cluster: Cluster }) {
  const [search, change] = useClusterSearch(cluster.id);
  const may = useMay('admin');
  const found = useInfiniteQuery(mapQuery(cluster.id));
  const { data: maintenance } = useQuery(maintenanceQuery(cluster.id));
  const [dialog, setDialog] = useState<'node' | 'maintenance' | null>(null);
  if (found.isPending) return <PageLoading />;
  if (found.data === undefined) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  const nodes = found.data.pages.flatMap(({ items }) => items);
  const windows = maintenance?.items ?? [];
  const close = () => setDialog(null);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <RoomSummary cluster={cluster} nodes={nodes} isWhole={!found.hasNextPage} />
        {may && (
          <Group gap="xs">
            <Button variant="default" leftSection={<IconTool size={16} />} onClick={() => setDialog('maintenance')}>
              Plan maintenance
            </Button>
            {/* Those of a swarm come with it. */}
            {cluster.runtime !== 'swarm' && (
              <Button variant="default" onClick={() => setDialog('node')}>
                Add a node
              </Button>
            )}
          </Group>
        )}
      </Group>
      <MaintenanceList clusterId={cluster.id} windows={windows} nodes={nodes} />
      <NodeGrid
        nodes={nodes}
        windows={windows}
        onOpen={(node) => change({ node })}
        onEnd={found.hasNextPage && !found.isFetchingNextPage ? () => void found.fetchNextPage() : undefined}
      />
      {found.isFetchingNextPage && (
        <Text size="sm" c="dimmed">
          More nodes are loaded.
        </Text>
      )}
      <Suspense fallback={null}>
        <Utilization clusterId={cluster.id} range={search.range ?? '6h'} onRange={(range) => change({ range })} />
      </Suspense>
      <NodeDrawer
        node={nodes.find(({ id }) => id === search.node)}
        windows={windows}
        onClose={() => change({ node: undefined })}
      />
      <Suspense fallback={null}>
        {dialog === 'maintenance' && <PlanMaintenance clusterId={cluster.id} nodes={nodes} onClose={close} />}
        {dialog === 'node' && <AddNode cluster={cluster} onClose={close} />}
      </Suspense>
    </Stack>
  );
}
