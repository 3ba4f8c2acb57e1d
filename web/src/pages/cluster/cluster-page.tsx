/** One cluster: who holds what of it, who waits, what ran and will run, what the scheduler decided, and by which rules. */
import { Alert, Anchor, Badge, Breadcrumbs, Button, Tabs } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import type { Cluster } from '../../../../src/sdk/types.gen.ts';
import { clusterQuery } from '../../api/queries.ts';
import { Link } from '../../parts/link.tsx';
import { Page } from '../../parts/page.tsx';
import { PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { clusterTabs } from '../../text/cluster-search.ts';
import { formatAmounts, formatNumber } from '../../text/quantities.ts';
import { oneOf } from '../../text/search.ts';

const MapTab = lazy(() => import('./map/map.tsx'));
const QueueTab = lazy(() => import('./queue/queue.tsx'));
const TimelineTab = lazy(() => import('./timeline/timeline.tsx'));
const DecisionsTab = lazy(() => import('./decisions/decisions.tsx'));
const PolicyTab = lazy(() => import('./policy/policy.tsx'));

const runBy = { docker: 'run by Docker', swarm: 'a Docker Swarm', simulated: 'simulated' } as const;

export function ClusterPage() {
  const { clusterId } = useParams({ from: '/app/clusters/$clusterId' });
  const found = useQuery(clusterQuery(clusterId));
  if (found.isPending) return <PageLoading />;
  if (found.data === undefined) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  return <Loaded cluster={found.data} />;
}

function Loaded({ cluster }: { readonly cluster: Cluster }) {
  const { tab = 'map' } = useSearch({ from: '/app/clusters/$clusterId' });
  const navigate = useNavigate();
  const open = (to: string | null) =>
    void navigate({
      to: '/clusters/$clusterId',
      params: { clusterId: cluster.id },
      search: to === null || to === 'map' ? {} : { tab: oneOf(to, clusterTabs) },
    });
  const { queued } = cluster.deployments;
  return (
    <Page
      title={cluster.name}
      above={
        <Breadcrumbs>
          <Anchor component={Link} to="/clusters" size="sm">
            Clusters
          </Anchor>
        </Breadcrumbs>
      }
      beside={<StatusOf cluster={cluster} />}
      about={`${formatAmounts(cluster)}, ${runBy[cluster.runtime]}`}
      actions={
        <Button component={Link} to={`/submit?cluster=${cluster.id}`} leftSection={<IconPlayerPlay size={16} />}>
          Submit
        </Button>
      }
    >
      {cluster.status_message !== null && <Alert color="red">{cluster.status_message}</Alert>}
      <Tabs value={tab} onChange={open} keepMounted={false} styles={{ tab: { flexShrink: 0 } }}>
        <Tabs.List mb="md" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
          <Tabs.Tab value="map">Map</Tabs.Tab>
          <Tabs.Tab
            value="queue"
            rightSection={
              queued > 0 && (
                <Badge color="gray" style={{ flexShrink: 0 }}>
                  {formatNumber(queued)}
                </Badge>
              )
            }
          >
            Queue
          </Tabs.Tab>
          <Tabs.Tab value="timeline">Timeline</Tabs.Tab>
          <Tabs.Tab value="decisions">Decisions</Tabs.Tab>
          <Tabs.Tab value="policy">Policy</Tabs.Tab>
        </Tabs.List>
        <Suspense fallback={<PageLoading />}>
          <Tabs.Panel value="map">
            <MapTab cluster={cluster} />
          </Tabs.Panel>
          <Tabs.Panel value="queue">
            <QueueTab cluster={cluster} />
          </Tabs.Panel>
          <Tabs.Panel value="timeline">
            <TimelineTab cluster={cluster} />
          </Tabs.Panel>
          <Tabs.Panel value="decisions">
            <DecisionsTab cluster={cluster} />
          </Tabs.Panel>
          <Tabs.Panel value="policy">
            <PolicyTab cluster={cluster} />
          </Tabs.Panel>
        </Suspense>
      </Tabs>
    </Page>
  );
}

function StatusOf({ cluster: { status } }: { readonly cluster: Cluster }) {
  return <Badge color={status === 'ready' ? 'teal' : 'red'}>{status}</Badge>;
}
