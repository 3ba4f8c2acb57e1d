import { Code, ScrollArea, Stack, Table, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { DeploymentDetail } from '../../../../src/sdk/types.gen.ts';
import { formatAmounts } from '../../text/quantities.ts';
import { formatDuration } from '../../text/times.ts';

/** All that it was submitted with. Secrets are names here, as everywhere. */
export function Configuration({ deployment: d }: { readonly deployment: DeploymentDetail }) {
  const rows: readonly (readonly [string, ReactNode])[] = [
    ['Image', <Code key="image">{d.docker_image}</Code>],
    ['Command', d.command === null ? 'that of the image' : <Code key="command">{d.command.join(' ')}</Code>],
    ['Each replica gets', formatAmounts({ ram: d.ram_required, cpu: d.cpu_required, gpu: d.gpu_required })],
    ['GPU models', d.gpu_models.length === 0 ? null : d.gpu_models.join(', ')],
    ['Replicas', d.max_per_node === null ? d.replicas : `${d.replicas}, at most ${d.max_per_node} on a node`],
    ['Nodes with labels', pairs(d.node_labels)],
    ['Time limit', d.time_limit_s === null ? null : formatDuration(d.time_limit_s)],
    ['To end, it has', formatDuration(d.stop_grace_s)],
    ['Retries', d.retry === null ? null : `up to ${d.retry.limit}, on ${d.retry.on.join(', ')}`],
    ['Restarts', d.restart === null ? null : d.restart.policy.replaceAll('_', ' ')],
    ['Network', d.network],
    [
      'Ports',
      d.ports.length === 0 ? null : d.ports.map(({ container, protocol }) => `${container}/${protocol}`).join(', '),
    ],
    ['Labels', pairs(d.labels)],
    [
      'Secrets',
      d.secrets.length === 0 ? null : d.secrets.map(({ name, env, path }) => `${name} as ${env ?? path}`).join(', '),
    ],
    ['Files', d.files.length === 0 ? null : d.files.map(({ path }) => path).join(', ')],
    [
      'Volumes',
      d.volumes.length === 0
        ? null
        : d.volumes.map(({ name, host_path: host, path }) => `${name ?? host} at ${path}`).join(', '),
    ],
    ['Kept after its end', d.keep_for_s === null ? null : formatDuration(d.keep_for_s)],
    ['Id', <Code key="id">{d.id}</Code>],
  ];
  return (
    <Stack gap="lg">
      <ScrollArea>
        <Table>
          <Table.Tbody>
            {rows
              .filter(([, value]) => value !== null)
              .map(([label, value]) => (
                <Table.Tr key={label}>
                  <Table.Th w={180}>{label}</Table.Th>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
                </Table.Tr>
              ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
      <Environment env={d.env} />
    </Stack>
  );
}

function Environment({ env }: { readonly env: Readonly<Record<string, string>> }) {
  const variables = Object.entries(env).toSorted(([a], [b]) => a.localeCompare(b));
  return (
    <Stack gap="xs">
      <Title order={2} size="h4">
        Environment
      </Title>
      {variables.length === 0 ? (
        <Text size="sm" c="dimmed">
          No variables of its own.
        </Text>
      ) : (
        <Table>
          <Table.Tbody>
            {variables.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th w={240}>
                  <Code>{name}</Code>
                </Table.Th>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}

function pairs(of: Readonly<Record<string, string>>): string | null {
  const entries = Object.entries(of);
  return entries.length === 0 ? null : entries.map(([name, value]) => `${name}=${value}`).join(', ');
}
