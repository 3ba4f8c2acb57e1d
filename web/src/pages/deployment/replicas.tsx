import { Badge, Code, ScrollArea, Stack, Table, Text, Title } from '@mantine/core';
import type { DeploymentDetail, Replica } from '../../../../src/sdk/types.gen.ts';
import { Took } from '../../parts/time.tsx';

export function Replicas({ deployment }: { readonly deployment: DeploymentDetail }) {
  const replicas = deployment.replica_states;
  if (replicas.length === 0) return null;
  return (
    <Stack gap="xs" mb="lg">
      <Title order={2} size="h4">
        {replicas.length === 1 ? 'Container' : `Replicas: ${deployment.ready_replicas} of ${deployment.replicas} ready`}
      </Title>
      <ScrollArea>
        <Table miw={640}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Replica</Table.Th>
              <Table.Th>Status</Table.Th>
              <Table.Th>Node</Table.Th>
              <Table.Th>Reach it at</Table.Th>
              <Table.Th>Runs for</Table.Th>
              <Table.Th>Restarts</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {replicas.map((replica) => (
              <Table.Tr key={`${replica.attempt}/${replica.index}`}>
                <Table.Td>{replica.index}</Table.Td>
                <Table.Td>
                  <ReplicaStatus replica={replica} />
                </Table.Td>
                <Table.Td>
                  {replica.node}
                  {replica.gpu_devices.length > 0 && (
                    <Text span c="dimmed" size="sm">
                      {' '}
                      GPU {replica.gpu_devices.join(', ')}
                    </Text>
                  )}
                </Table.Td>
                <Table.Td>
                  <Ports replica={replica} />
                </Table.Td>
                <Table.Td>
                  <Took from={replica.started_at} until={replica.finished_at} />
                </Table.Td>
                <Table.Td>{replica.restarts}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
    </Stack>
  );
}

function ReplicaStatus({ replica }: { readonly replica: Replica }) {
  const { status, health, ready, reason, exit_code: exitCode, health_message: healthMessage } = replica;
  const color = status === 'ended' ? (exitCode === 0 ? 'teal' : 'gray') : ready ? 'blue' : 'cyan';
  return (
    <Stack gap={2}>
      <Badge color={health === 'unhealthy' ? 'red' : color}>
        {status}
        {health !== null && `, ${health}`}
      </Badge>
      {(reason ?? healthMessage) !== null && (
        <Text size="xs" c="dimmed">
          {reason ?? healthMessage}
        </Text>
      )}
    </Stack>
  );
}

function Ports({ replica: { ports } }: { readonly replica: Replica }) {
  if (ports.length === 0)
    return (
      <Text span c="dimmed">
        –
      </Text>
    );
  return (
    <Stack gap={2}>
      {ports.map(({ container, host, protocol, address }) => (
        <Text key={`${container}/${protocol}`} size="sm">
          <Code>{host === null ? '…' : `${address ?? ''}:${host}`}</Code> → {container}/{protocol}
        </Text>
      ))}
    </Stack>
  );
}
