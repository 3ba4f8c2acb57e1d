import { Anchor, Badge, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { lazy, Suspense } from 'react';
import type { Cluster } from '../../../../src/sdk/types.gen.ts';
import { Link } from '../../parts/link.tsx';
import { AmountBars } from '../../parts/usage-bar.tsx';

const Sparkline = lazy(() => import('./cluster-sparkline.tsx'));

const sparklineHeight = 56;

/** A cluster: how much of it is allocated, now and in the last hours, and how many wait for it. */
export function ClusterTile({ cluster }: { readonly cluster: Cluster }) {
  const { id, name, status, status_message: message, resources, deployments, runtime } = cluster;
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
        <AmountBars used={resources.allocated} total={resources.total} />
        <Suspense fallback={<div style={{ height: sparklineHeight }} />}>
          <Sparkline clusterId={id} height={sparklineHeight} />
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
