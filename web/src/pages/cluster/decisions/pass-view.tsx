/** One pass: who was admitted and where, who was not and why, who was stopped for whom. */
import { Anchor, Badge, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Pass, PassDetail } from '../../../../../src/sdk/types.gen.ts';
import { ApiProblem } from '../../../api/client.ts';
import { passQuery } from '../../../api/cluster-queries.ts';
import { Link } from '../../../parts/link.tsx';
import { PageLoading, ProblemAlert } from '../../../parts/page-states.tsx';
import { Time } from '../../../parts/time.tsx';
import { formatDuration } from '../../../text/times.ts';
import { reasonInWords } from '../queue/waiting-words.ts';
import { DeploymentLink } from './deployment-link.tsx';
import { qualityInWords } from './quality.ts';
import { Receipt } from './receipt.tsx';

export function PassView({ id, known }: { readonly id: string; readonly known: Pass | undefined }) {
  const found = useQuery(passQuery(id));
  const detail = found.data?.id === id ? found.data : undefined;
  const pass = detail ?? known;
  if (pass === undefined && found.isPending) return <PageLoading />;
  if (pass === undefined) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  const isOlder = found.error instanceof ApiProblem && found.error.status === 404;
  return (
    <Stack gap="lg">
      <Stack gap={4}>
        <Text size="sm">
          <Time at={pass.created_at} />, {pass.trigger === 'api' ? 'on request' : 'by itself'}, in{' '}
          {formatDuration(pass.duration_ms / 1000)}: of {pass.queued} that waited, {pass.admitted}{' '}
          {pass.admitted === 1 ? 'was' : 'were'} admitted.
        </Text>
        <Text size="sm">{qualityInWords(pass)}</Text>
      </Stack>
      {pass.preemptions.length > 0 && <Preemptions pass={pass} />}
      {detail !== undefined && <Admissions detail={detail} />}
      {detail !== undefined && <Waiting detail={detail} />}
      {detail === undefined && found.isPending && <PageLoading />}
      {found.error !== null && !isOlder && <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />}
    </Stack>
  );
}

function Preemptions({ pass: { preemptions } }: { readonly pass: Pass }) {
  return (
    <Stack gap="xs">
      <Title order={2} size="h5">
        Stopped for others
      </Title>
      {preemptions.map((receipt) => (
        <div key={receipt.deployment_id}>
          <Text size="sm" fw={500}>
            For <DeploymentLink id={receipt.deployment_id} />
          </Text>
          <Receipt receipt={receipt} />
        </div>
      ))}
    </Stack>
  );
}

function Admissions({ detail: { admissions } }: { readonly detail: PassDetail }) {
  if (admissions.length === 0) return null;
  return (
    <Stack gap="xs">
      <Title order={2} size="h5">
        Admitted
      </Title>
      <Table.ScrollContainer minWidth={480}>
        <Table fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>#</Table.Th>
              <Table.Th>Deployment</Table.Th>
              <Table.Th>Priority</Table.Th>
              <Table.Th>Where</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {admissions.map((one) => (
              <Table.Tr key={one.deployment_id}>
                <Table.Td>{one.position}</Table.Td>
                <Named one={one} />
                <Table.Td>
                  <Priority one={one} />
                </Table.Td>
                <Table.Td>
                  <Group gap={6}>
                    {one.nodes.join(', ')}
                    {one.backfilled && <Badge color="gray">in a gap</Badge>}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}

function Waiting({ detail: { waiting, waiting_reasons: reasons } }: { readonly detail: PassDetail }) {
  if (waiting.length === 0 && reasons.length === 0) return null;
  return (
    <Stack gap="xs">
      <Title order={2} size="h5">
        Not admitted
      </Title>
      <Group gap={6}>
        {reasons.map(({ reason, count }) => (
          <Badge key={reason} color="yellow">
            {count} × {reasonInWords(reason)}
          </Badge>
        ))}
      </Group>
      <Table.ScrollContainer minWidth={480}>
        <Table fz="sm">
          <Table.Tbody>
            {waiting.map((one) => (
              <Table.Tr key={one.deployment_id}>
                <Table.Td>{one.position}</Table.Td>
                <Named one={one} />
                <Table.Td>
                  <Priority one={one} />
                </Table.Td>
                <Table.Td>{one.message}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}

function Named({ one: { deployment_id: id, name } }: { readonly one: { deployment_id: string; name: string } }) {
  return (
    <Table.Td>
      <Anchor component={Link} to={`/deployments/${id}`} inherit>
        {name}
      </Anchor>
    </Table.Td>
  );
}

function Priority({
  one: { priority, effective_priority: effective },
}: {
  readonly one: { priority: number; effective_priority: number };
}) {
  return effective === priority ? priority : `${effective} (${priority}, raised by age)`;
}
