import { Button, Paper, Stack, Table, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { previewPolicy } from '../../../../../src/sdk/index.ts';
import type { PassResult, Policy } from '../../../../../src/sdk/types.gen.ts';
import { ApiProblem, ask, messageOf } from '../../../api/client.ts';
import { compareResults } from './compare-results.ts';

interface PolicyPreviewProps {
  readonly clusterId: string;
  readonly policy: Policy;
  readonly isChanged: boolean;
}

/** What the next pass would decide by the policy as it is and by the changed one. Nothing is written. */
export function PolicyPreview({ clusterId, policy, isChanged }: PolicyPreviewProps) {
  const preview = useMutation({
    mutationFn: (body: Policy) => ask(previewPolicy({ path: { id: clusterId }, body })),
  });
  // What was looked at is not what would be saved any more.
  const isOfThis = JSON.stringify(preview.variables) === JSON.stringify(policy);
  if (preview.error instanceof ApiProblem && preview.error.status === 404) return null;
  return (
    <Paper withBorder p="md">
      <Stack gap="sm" align="flex-start">
        <Button
          variant="default"
          size="xs"
          disabled={!isChanged}
          loading={preview.isPending}
          onClick={() => preview.mutate(policy)}
        >
          What would that change now?
        </Button>
        {preview.data !== undefined && isOfThis && <Effect {...preview.data} />}
        {preview.error !== null && (
          <Text size="sm" c="red" role="alert">
            {messageOf(preview.error)}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}

function Effect({ current, changed }: { readonly current: PassResult; readonly changed: PassResult }) {
  const rows = [
    ['Admitted', current.admitted, changed.admitted],
    ['Waiting', current.waiting, changed.waiting],
    ['Raised by age', current.promoted, changed.promoted],
    ['That stop others', current.preempting, changed.preempting],
  ] as const;
  const { gained, lost } = compareResults(current, changed);
  return (
    <Stack gap="xs" w="100%" aria-live="polite">
      <Table fz="sm">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>In the next pass</Table.Th>
            <Table.Th>As it is</Table.Th>
            <Table.Th>Changed</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(([label, before, after]) => (
            <Table.Tr key={label} fw={before === after ? undefined : 600}>
              <Table.Td>{label}</Table.Td>
              <Table.Td>{before}</Table.Td>
              <Table.Td>{after}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="sm">
        {gained.length === 0 && lost.length === 0
          ? 'The same deployments would start.'
          : [
              gained.length > 0 && `Would start besides: ${gained.join(', ')}.`,
              lost.length > 0 && `Would not start any more: ${lost.join(', ')}.`,
            ]
              .filter((part) => part !== false)
              .join(' ')}
      </Text>
    </Stack>
  );
}
