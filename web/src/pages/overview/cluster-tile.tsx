import { Anchor, Badge, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import type { Cluster } from '../../../../src/sdk/types.gen.ts';
import { historyQuery } from '../../api/overview-queries.ts';
import { Link } from '../../parts/link.tsx';
import { AmountBars } from '../../parts/usage-bar.tsx';

const Sparkline = lazy(() => import('./cluster-sparkline.tsx'));

const sparklineHeight = 56;
const sparklineHours = 6;
const unknownUse = { ram: null, cpu: null, gpu: null };

/** A cluster: how much of it is allocated and used, now and in the last hours, and how many wait for it. */
export function ClusterTile({ cluster }: { readonly cluster: Cluster }) {
  const { id, name, status, status_message: message, resources, deployments, runtime } = cluster;
  // One that is about to be gone is not asked for more.
  const { data: history } = useQuery({ ...historyQuery(id, sparklineHours), enabled: status !== 'deleting' });
  // Before its first sample, a cluster's use is as little known as where nobody could be asked.
  const inUse = history === undefined ? unknownUse : (history.items.at(-1)?.used ?? unknownUse);
  return (
    <Paper withBorder p="md" component="section" aria-label={`Cluster ${name}`}>
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap">
          <Title order={2} size="h4">
            <Anchor component={Link} to={`/clusters/${id}`} inherit>
              {name}
            </Anchor>
          </Title>
          {status === 'ready' ? <Badge color="gray">{runtime}</Badge> : <Badge color="red">{status}</Badge>}
        </Group>
        {message !== null && (
          <Text size="sm" c="red">
            {message}
          </Text>
        )}
        <AmountBars used={resources.allocated} total={resources.total} inUse={inUse} />
        <Suspense fallback={<div style={{ height: sparklineHeight }} />}>
          <Sparkline samples={history?.items ?? []} hours={sparklineHours} height={sparklineHeight} />
        </Suspense>
        <Group gap="md">
          <Anchor component={Link} to={`/clusters/${id}?tab=queue`} size="sm">
            {deployments.queued} waiting
          </Anchor>
          <Anchor component={Link} to={`/deployments?cluster=${id}&status=running`} size="sm">
            {deployments.active} active
          </Anchor>
        </Group>
      </Stack>
    </Paper>
  );
}
