import { Badge, Button, Group, Paper, ScrollArea, Stack, Table, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { endSession } from '../../../../src/sdk/index.ts';
import type { AccountSession } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { sessionsQuery } from '../../api/people-queries.ts';
import { confirmThat, useDeed } from '../../parts/feedback.tsx';
import { ProblemAlert } from '../../parts/page-states.tsx';
import { Ago } from '../../parts/time.tsx';
import { browserOf } from '../../text/browser.ts';

/** Where I am signed in. Nothing where the server does not tell. */
export function Sessions() {
  const { data: sessions, error, refetch } = useQuery(sessionsQuery);
  const queries = useQueryClient();
  const end = useDeed(
    (ended: readonly AccountSession[]) =>
      Promise.all(ended.map(({ id }) => ask(endSession({ path: { id } })))).finally(
        () => void queries.invalidateQueries({ queryKey: ['me', 'sessions'] }),
      ),
    (_, ended) => (ended.length === 1 ? 'The session was ended.' : `${ended.length} sessions were ended.`),
  );
  if (error !== null) return <ProblemAlert error={error} onRetry={() => void refetch()} />;
  if (sessions === undefined || sessions === null) return null;
  const others = sessions.filter(({ current }) => !current);
  return (
    <Paper withBorder p="md" component="section" aria-label="Sessions">
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4">
            Where you are signed in
          </Title>
          {others.length > 1 && (
            <Button
              size="xs"
              variant="default"
              onClick={() =>
                confirmThat({
                  title: 'End all other sessions?',
                  text: 'Whoever uses them has to sign in again.',
                  verb: 'End them',
                  onConfirm: () => end.mutate(others),
                })
              }
            >
              End all others
            </Button>
          )}
        </Group>
        <ScrollArea>
          <Table miw={560}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>With</Table.Th>
                <Table.Th>Since</Table.Th>
                <Table.Th>Last used</Table.Th>
                <Table.Th>Ends</Table.Th>
                <Table.Th aria-label="Deeds" />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {sessions.map((session) => (
                <SessionRow key={session.id} session={session} onEnd={() => end.mutate([session])} />
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea>
      </Stack>
    </Paper>
  );
}

function SessionRow({ session, onEnd }: { readonly session: AccountSession; readonly onEnd: () => void }) {
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap="xs" wrap="nowrap">
          {browserOf(session.user_agent)}
          {session.current && <Badge color="teal">this one</Badge>}
        </Group>
      </Table.Td>
      <Table.Td>
        <Ago at={session.created_at} />
      </Table.Td>
      <Table.Td>
        <Ago at={session.last_used_at} />
      </Table.Td>
      <Table.Td>
        <Ago at={session.expires_at} />
      </Table.Td>
      <Table.Td ta="right">
        {!session.current && (
          <Button size="compact-sm" variant="subtle" color="red" onClick={onEnd}>
            End
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}
