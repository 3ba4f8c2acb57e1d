import { Button, Text } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { removeMember, updateMember } from '../../../../src/sdk/index.ts';
import type { Member, Role } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { membersList } from '../../api/people-queries.ts';
import { meQuery } from '../../api/queries.ts';
import { confirmThat, sayDone, sayFailed, useDeed } from '../../parts/feedback.tsx';
import { Link } from '../../parts/link.tsx';
import { Empty } from '../../parts/page-states.tsx';
import { Ago } from '../../parts/time.tsx';
import { PagedTable } from './paged-table.tsx';
import { RoleSelect } from './role-select.tsx';
import { decidesAbout } from './roles.ts';
import { TabHead } from './tab-head.tsx';

export default function Members({ organizationId }: { readonly organizationId: string }) {
  const { data: me } = useSuspenseQuery(meQuery);
  const own = me.organization?.role ?? 'viewer';
  const list = useInfiniteQuery(membersList(organizationId));
  const isAdmin = own === 'admin' || own === 'owner';
  return (
    <>
      <TabHead
        about={isAdmin ? 'Who is in the organization, and what each may do.' : 'Admins change roles and invite others.'}
        action={
          isAdmin && (
            <Button component={Link} to="/people?tab=invites" variant="default">
              Invite somebody
            </Button>
          )
        }
      />
      <PagedTable
        label="Members"
        list={list}
        idOf={({ user_id }) => user_id}
        empty={<Empty title="Nobody is here" />}
        columns={[
          {
            name: 'username',
            label: 'Username',
            width: 'minmax(140px, 1fr)',
            cell: (member) => `${member.username}${member.user_id === me.user.id ? ' (you)' : ''}`,
          },
          { name: 'email', label: 'E-mail', width: 'minmax(180px, 1.5fr)', cell: ({ email }) => email },
          {
            name: 'role',
            label: 'Role',
            width: '170px',
            cell: (member) => <RoleOf member={member} own={own} organizationId={organizationId} />,
          },
          { name: 'since', label: 'Member since', width: '120px', cell: ({ created_at: at }) => <Ago at={at} /> },
          {
            name: 'remove',
            label: '',
            width: '100px',
            cell: (member) => (
              <Removal
                member={member}
                organizationId={organizationId}
                isSelf={member.user_id === me.user.id}
                own={own}
              />
            ),
          },
        ]}
      />
    </>
  );
}

interface OfMember {
  readonly member: Member;
  readonly organizationId: string;
  readonly own: Role;
}

function RoleOf({ member, organizationId, own }: OfMember) {
  const queries = useQueryClient();
  const refresh = async () => {
    await Promise.all([
      queries.invalidateQueries({ queryKey: ['people'] }),
      queries.invalidateQueries({ queryKey: ['me'] }),
    ]);
  };
  const path = { id: organizationId, user_id: member.user_id };
  const give = (role: Role) => ask(updateMember({ path, body: { role } })).finally(() => void refresh());
  const deed = useMutation({
    mutationFn: give,
    onSuccess: (_, role) => sayDone(`${member.username} is ${role} now.`, () => give(member.role)),
    onError: sayFailed,
  });
  if (!decidesAbout(own, member.role)) return <Text size="sm">{member.role}</Text>;
  return (
    <RoleSelect
      aria-label={`Role of ${member.username}`}
      size="xs"
      own={own}
      value={member.role}
      disabled={deed.isPending}
      onRole={(role) => role !== member.role && deed.mutate(role)}
    />
  );
}

function Removal({ member, organizationId, own, isSelf }: OfMember & { readonly isSelf: boolean }) {
  const queries = useQueryClient();
  const path = { id: organizationId, user_id: member.user_id };
  const deed = useDeed(
    () =>
      ask(removeMember({ path })).finally(() => {
        void queries.invalidateQueries({ queryKey: ['people'] });
        // Who left is somewhere else now.
        if (isSelf) void queries.invalidateQueries({ queryKey: ['me'] });
      }),
    isSelf ? 'You have left the organization.' : `${member.username} was removed.`,
  );
  if (!isSelf && !decidesAbout(own, member.role)) return null;
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      color="red"
      loading={deed.isPending}
      onClick={() =>
        confirmThat({
          title: isSelf ? 'Leave the organization?' : `Remove ${member.username}?`,
          text: isSelf
            ? 'You see nothing of it any more, and your tokens for it end. To come back, you need an invite.'
            : 'They see nothing of the organization any more, and their tokens for it end. What they submitted goes on.',
          verb: isSelf ? 'Leave' : 'Remove',
          onConfirm: () => deed.mutate(undefined),
        })
      }
    >
      {isSelf ? 'Leave' : 'Remove'}
    </Button>
  );
}
