/** One deployment: what it does, when it starts and why not yet, what it says, and what can be done with it. */
import { Anchor, Breadcrumbs, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import type { DeploymentDetail } from '../../../../src/sdk/types.gen.ts';
import { clusterQuery, deploymentQuery } from '../../api/queries.ts';
import { Link } from '../../parts/link.tsx';
import { Page } from '../../parts/page.tsx';
import { PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { StatusBadge } from '../../parts/status-badge.tsx';
import { Actions } from './actions.tsx';
import { Configuration } from './configuration.tsx';
import { History } from './history.tsx';
import { Replicas } from './replicas.tsx';
import { StandingPanel } from './standing.tsx';

const Logs = lazy(() => import('./logs.tsx'));
const TerminalTab = lazy(() => import('./terminal.tsx'));
const Usage = lazy(() => import('./usage.tsx'));
const Revisions = lazy(() => import('./revisions.tsx'));

export function DeploymentPage() {
  const { deploymentId } = useParams({ from: '/app/deployments/$deploymentId' });
  const found = useQuery(deploymentQuery(deploymentId));
  if (found.isPending) return <PageLoading />;
  if (found.data === undefined) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  return <Loaded deployment={found.data} />;
}

function Loaded({ deployment }: { readonly deployment: DeploymentDetail }) {
  const { tab = 'status' } = useSearch({ from: '/app/deployments/$deploymentId' });
  const navigate = useNavigate();
  const open = (to: string | null) =>
    void navigate({
      to: '/deployments/$deploymentId',
      params: { deploymentId: deployment.id },
      search: to === null || to === 'status' ? {} : { tab: to },
      replace: true,
    });
  return (
    <Page
      title={deployment.name}
      above={<Whereabouts deployment={deployment} />}
      beside={<StatusBadge status={deployment.status} />}
      about={`${deployment.kind === 'job' ? 'Job' : 'Service'} of ${deployment.docker_image}`}
      actions={<Actions deployment={deployment} />}
    >
      <Tabs value={tab} onChange={open} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="status">Status</Tabs.Tab>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
          <Tabs.Tab value="usage">Usage</Tabs.Tab>
          <Tabs.Tab value="terminal">Terminal</Tabs.Tab>
          <Tabs.Tab value="configuration">Configuration</Tabs.Tab>
          {deployment.kind === 'service' && <Tabs.Tab value="revisions">Revisions</Tabs.Tab>}
        </Tabs.List>
        <Suspense fallback={<PageLoading />}>
          <Tabs.Panel value="status">
            <StandingPanel deployment={deployment} />
            <Replicas deployment={deployment} />
            <History deploymentId={deployment.id} />
          </Tabs.Panel>
          <Tabs.Panel value="logs">
            <Logs deployment={deployment} />
          </Tabs.Panel>
          <Tabs.Panel value="usage">
            <Usage deployment={deployment} />
          </Tabs.Panel>
          <Tabs.Panel value="terminal">
            <TerminalTab deployment={deployment} />
          </Tabs.Panel>
          <Tabs.Panel value="configuration">
            <Configuration deployment={deployment} />
          </Tabs.Panel>
          <Tabs.Panel value="revisions">
            <Revisions deployment={deployment} />
          </Tabs.Panel>
        </Suspense>
      </Tabs>
    </Page>
  );
}

function Whereabouts({ deployment }: { readonly deployment: DeploymentDetail }) {
  const { data: cluster } = useQuery(clusterQuery(deployment.cluster_id));
  return (
    <Breadcrumbs>
      <Anchor component={Link} to="/deployments" size="sm">
        Deployments
      </Anchor>
      <Anchor component={Link} to={`/clusters/${deployment.cluster_id}`} size="sm">
        {cluster?.name ?? 'Cluster'}
      </Anchor>
    </Breadcrumbs>
  );
}
