import { Button, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { acceptInvite } from '../../../../src/sdk/index.ts';
import { ask } from '../../api/client.ts';
import { meQuery } from '../../api/queries.ts';
import { Page } from '../../parts/page.tsx';
import { ProblemAlert } from '../../parts/page-states.tsx';

/** Where the link of an invite leads. */
export function JoinPage() {
  const { code } = useParams({ from: '/app/join/$code' });
  const queries = useQueryClient();
  const navigate = useNavigate();
  const join = useMutation({
    mutationFn: () => ask(acceptInvite({ path: { code } })),
    async onSuccess() {
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' });
      await queries.invalidateQueries(meQuery);
      await navigate({ to: '/' });
    },
  });
  return (
    <Page title="Join an organization">
      <Stack align="flex-start">
        <Text>Somebody has invited you. You can leave again at any time.</Text>
        {join.error !== null && <ProblemAlert error={join.error} />}
        <Button onClick={() => join.mutate()} loading={join.isPending}>
          Join
        </Button>
      </Stack>
    </Page>
  );
}
