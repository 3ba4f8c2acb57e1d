import { Alert, Anchor, Group, Paper, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconBulb, IconHourglass } from '@tabler/icons-react';
import type { DeploymentDetail } from '../../../../src/sdk/types.gen.ts';
import { Link } from '../../parts/link.tsx';
import { Ago, Time, Took } from '../../parts/time.tsx';
import { formatAmounts } from '../../text/quantities.ts';
import { isNothing } from './amounts.ts';

/** Where it stands: what it waits for and what would make it start, or how it went. */
export function StandingPanel({ deployment }: { readonly deployment: DeploymentDetail }) {
  const { waiting, hints, reason, status, update_message: updating } = deployment;
  return (
    <Stack gap="md" mb="lg">
      {waiting !== null && <WaitingPanel deployment={deployment} waiting={waiting} />}
      {waiting === null && reason !== null && (
        <Alert color={status === 'failed' ? 'red' : 'gray'} variant="light">
          {reason}
          {deployment.exit_code !== null && ` Exit code ${deployment.exit_code}.`}
        </Alert>
      )}
      {updating !== null && <Alert color="blue">{updating}</Alert>}
      {hints.map((hint) => (
        <Alert key={hint} color="yellow" icon={<IconBulb />}>
          {hint}
        </Alert>
      ))}
      <Facts deployment={deployment} />
    </Stack>
  );
}

function WaitingPanel({
  deployment,
  waiting,
}: {
  readonly deployment: DeploymentDetail;
  readonly waiting: NonNullable<DeploymentDetail['waiting']>;
}) {
  const {
    position,
    effective_priority: effective,
    promoted,
    message,
    shortfall,
    nearest_node: nearest,
    reservation,
  } = waiting;
  return (
    <Alert
      color="yellow"
      icon={<IconHourglass />}
      title={position === null ? 'Waits' : `Waits, as number ${position} in the queue`}
    >
      <Stack gap={6}>
        <Text size="sm">{message}</Text>
        {!isNothing(shortfall) && (
          <Text size="sm">
            Missing{nearest === null ? '' : ` on ${nearest}, which comes nearest`}: <b>{formatAmounts(shortfall)}</b>.
          </Text>
        )}
        {reservation !== null && (
          <Text size="sm">
            Kept for it on {reservation.nodes.join(', ')}
            {reservation.starts_at === null ? (
              '.'
            ) : (
              <>
                , to start by <Time at={reservation.starts_at} /> at the latest estimate.
              </>
            )}
          </Text>
        )}
        <Text size="sm">
          Priority {deployment.priority}
          {promoted ? `, by its age as urgent as ${effective}` : ''}; has waited for{' '}
          <Took from={deployment.queued_at} until={null} />.{' '}
          <ToCluster id={deployment.cluster_id} tab="queue">
            The whole queue
          </ToCluster>
          {', '}
          <ToCluster id={deployment.cluster_id} tab="decisions">
            what was decided last
          </ToCluster>
        </Text>
      </Stack>
    </Alert>
  );
}

interface ToClusterProps {
  readonly id: string;
  readonly tab: 'queue' | 'decisions';
  readonly children: string;
}

/** A link within the text of an alert. */
function ToCluster({ id, tab, children }: ToClusterProps) {
  return (
    <Anchor inherit c="inherit" underline="always" component={Link} to={`/clusters/${id}?tab=${tab}`}>
      {children}
    </Anchor>
  );
}

function Facts({ deployment }: { readonly deployment: DeploymentDetail }) {
  const asked = formatAmounts({
    ram: deployment.ram_required,
    cpu: deployment.cpu_required,
    gpu: deployment.gpu_required,
  });
  const facts: readonly (readonly [string, React.ReactNode])[] = [
    ['Asks for', deployment.replicas > 1 ? `${deployment.replicas} × ${asked}` : asked],
    ['Submitted', <Ago key="submitted" at={deployment.created_at} />],
    ['Waited', <Took key="waited" from={deployment.queued_at} until={deployment.admitted_at} />],
    ['Ran', <Took key="ran" from={deployment.started_at} until={deployment.finished_at} />],
    [
      'Attempt',
      deployment.retry === null
        ? deployment.attempt
        : `${deployment.attempt}; ${deployment.retry.limit - deployment.retries_used} retries left`,
    ],
    ['Priority', deployment.priority],
  ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }}>
      {facts.map(([label, value]) => (
        <Paper key={label} withBorder p="sm">
          <Text size="xs" c="dimmed">
            {label}
          </Text>
          <Group fz="sm" fw={500}>
            {value}
          </Group>
        </Paper>
      ))}
    </SimpleGrid>
  );
}
