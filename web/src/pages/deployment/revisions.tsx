/** The revisions of a service: which is wanted, which held, what changed; one can return to each. */
import { Badge, Button, Code, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { diffRevisions, listRevisions, rollBackService } from '../../../../src/sdk/index.ts';
import type { DeploymentDetail, Revision } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { confirmThat, useDeed } from '../../parts/feedback.tsx';
import { useMay } from '../../parts/may.ts';
import { Empty, PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { Ago } from '../../parts/time.tsx';

export default function Revisions({ deployment: { id, name } }: { readonly deployment: DeploymentDetail }) {
  const found = useQuery({
    queryKey: ['deployments', id, 'revisions'],
    queryFn: ({ signal }) => ask(listRevisions({ path: { id }, signal })),
  });
  const queries = useQueryClient();
  const may = useMay('developer');
  const back = useDeed(
    (revision: number) =>
      ask(rollBackService({ path: { id }, body: { revision } })).finally(
        () => void queries.invalidateQueries({ queryKey: ['deployments', id] }),
      ),
    (_, revision) => `${name} returns to revision ${revision}.`,
  );
  if (found.isPending) return <PageLoading />;
  if (found.data === undefined) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  const revisions = found.data.items.toSorted((a, b) => b.revision - a.revision);
  if (revisions.length === 0)
    return <Empty title="Never updated">Each update of image, environment or resources makes a revision.</Empty>;
  return (
    <Stack gap="sm">
      {revisions.map((revision) => (
        <Paper key={revision.revision} withBorder p="md">
          <Group justify="space-between" align="flex-start">
            <Stack gap={4}>
              <Group gap="xs">
                <Text fw={600}>Revision {revision.revision}</Text>
                {revision.is_wanted && <Badge color="blue">wanted</Badge>}
                {revision.is_stable && <Badge color="teal">proven</Badge>}
              </Group>
              <Text size="sm">
                <Code>{revision.spec.docker_image}</Code>{' '}
                <Text span c="dimmed">
                  {revision.why}, <Ago at={revision.created_at} />
                </Text>
              </Text>
              {revision.revision > 1 && <Changes id={id} revision={revision} />}
            </Stack>
            {may && !revision.is_wanted && (
              <Button
                size="xs"
                variant="default"
                onClick={() =>
                  confirmThat({
                    title: `Return to revision ${revision.revision}?`,
                    text: 'Its replicas are replaced one after the other, as at every update.',
                    verb: 'Return to it',
                    onConfirm: () => back.mutate(revision.revision),
                  })
                }
              >
                Return to it
              </Button>
            )}
          </Group>
        </Paper>
      ))}
    </Stack>
  );
}

function Changes({ id, revision: { revision } }: { readonly id: string; readonly revision: Revision }) {
  const { data } = useQuery({
    queryKey: ['deployments', id, 'revisions', revision],
    queryFn: ({ signal }) => ask(diffRevisions({ path: { id }, query: { from: revision - 1, to: revision }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (data === undefined || data.changes.length === 0) return null;
  return (
    <Table withRowBorders={false} verticalSpacing={2} fz="sm">
      <Table.Tbody>
        {data.changes.map(({ field, before, after }) => (
          <Table.Tr key={field}>
            <Table.Th>{field}</Table.Th>
            <Table.Td>
              <Code>{shown(before)}</Code> → <Code>{shown(after)}</Code>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

const shown = (value: unknown): string =>
  value === undefined || value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
