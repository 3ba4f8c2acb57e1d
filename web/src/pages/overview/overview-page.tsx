/** The organization at a glance: is there room, what waits, what runs, what failed. */
import { Anchor, Button, SimpleGrid, Stack } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { clustersQuery, meQuery } from '../../api/queries.ts';
import { Link } from '../../parts/link.tsx';
import { Page } from '../../parts/page.tsx';
import { PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { ClusterTile } from './cluster-tile.tsx';
import { FirstUse } from './first-use.tsx';
import { Numbers } from './numbers.tsx';
import { Recent } from './recent.tsx';

/** The latest; each draws what became of it, and asks for that. */
const tilesMax = 12;

export function OverviewPage() {
  const { data: me } = useSuspenseQuery(meQuery);
  const clusters = useQuery(clustersQuery);
  return (
    <Page
      title={me.organization?.name ?? 'Overview'}
      actions={
        <Button component={Link} to="/submit" leftSection={<IconPlayerPlay size={16} />}>
          Submit
        </Button>
      }
    >
      {clusters.isPending && <PageLoading />}
      {clusters.error !== null && clusters.data === undefined && (
        <ProblemAlert error={clusters.error} onRetry={() => void clusters.refetch()} />
      )}
      {clusters.data !== undefined && (
        <Stack gap="lg">
          <FirstUse hasCluster={clusters.data.items.length > 0} />
          <Numbers />
          <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
            {clusters.data.items.slice(0, tilesMax).map((cluster) => (
              <ClusterTile key={cluster.id} cluster={cluster} />
            ))}
          </SimpleGrid>
          {clusters.data.items.length > tilesMax && (
            <Anchor component={Link} to="/clusters" size="sm">
              All clusters
            </Anchor>
          )}
          <Recent />
        </Stack>
      )}
    </Page>
  );
}
