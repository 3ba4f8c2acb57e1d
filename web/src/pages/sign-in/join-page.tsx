import { Anchor, Button, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { acceptInvite, updateMe } from '../../../../src/sdk/index.ts';
import { ask } from '../../api/client.ts';
import { meQuery } from '../../api/queries.ts';
import { Link } from '../../parts/link.tsx';
import { ProblemAlert } from '../../parts/page-states.tsx';
import { SignFrame } from './sign-frame.tsx';

/** Where the link of an invite leads. */
export function JoinPage() {
  const { code } = useParams({ from: '/join/$code' });
  const queries = useQueryClient();
  const navigate = useNavigate();
  const join = useMutation({
    async mutationFn() {
      const { id } = await ask(acceptInvite({ path: { code } }));
      await ask(updateMe({ body: { organization_id: id } }));
    },
    async onSuccess() {
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' });
      await queries.fetchQuery({ ...meQuery, staleTime: 0 });
      await navigate({ to: '/' });
    },
  });
  return (
    <SignFrame
      title="Join an organization"
      below={
        <Anchor component={Link} to="/" underline="always">
          Not now
        </Anchor>
      }
    >
      <Stack>
        <Text size="sm">Somebody has invited you. You can leave again at any time.</Text>
        {join.error !== null && <ProblemAlert error={join.error} />}
        <Button onClick={() => join.mutate()} loading={join.isPending}>
          Join
        </Button>
      </Stack>
    </SignFrame>
  );
}
