import { Badge, Button, Group, NumberInput, Select, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useInfiniteQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { createInvite, revokeInvite } from '../../../../src/sdk/index.ts';
import type { Invite, Role } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { invitesList } from '../../api/people-queries.ts';
import { meQuery } from '../../api/queries.ts';
import { useFormDeed } from '../../parts/form.tsx';
import { Empty } from '../../parts/page-states.tsx';
import { Ago, useNow } from '../../parts/time.tsx';
import { MakeDialog } from './make-dialog.tsx';
import { PagedTable } from './paged-table.tsx';
import { RemovalButton } from './removal-button.tsx';
import { RoleSelect } from './role-select.tsx';
import { ShownOnce } from './shown-once.tsx';
import { TabHead } from './tab-head.tsx';

const day = 86_400;
const lifetimes = [
  { value: String(day), label: 'A day' },
  { value: String(7 * day), label: 'A week' },
  { value: String(30 * day), label: '30 days' },
];

export default function Invites({ organizationId }: { readonly organizationId: string }) {
  const list = useInfiniteQuery(invitesList(organizationId));
  return (
    <>
      <TabHead
        about="Whoever opens the link of an invite joins the organization, with the role that it has."
        action={
          <MakeDialog title="Make an invite">
            {(close) => <InviteForm organizationId={organizationId} onClose={close} />}
          </MakeDialog>
        }
      />
      <PagedTable
        label="Invites"
        list={list}
        idOf={({ id }) => id}
        empty={<Empty title="No invites">Make one, and send its link to whom you want to work with.</Empty>}
        columns={[
          { name: 'role', label: 'Role', width: '110px', cell: ({ role }) => role },
          { name: 'state', label: 'State', width: '110px', cell: (invite) => <InviteState invite={invite} /> },
          { name: 'uses', label: 'Used', width: '100px', cell: ({ uses, max_uses: most }) => `${uses} of ${most}` },
          {
            name: 'expires',
            label: 'Expires',
            width: 'minmax(110px, 1fr)',
            cell: ({ expires_at: at }) => <Ago at={at} />,
          },
          { name: 'made', label: 'Made', width: 'minmax(110px, 1fr)', cell: ({ created_at: at }) => <Ago at={at} /> },
          {
            name: 'revoke',
            label: '',
            width: '100px',
            cell: ({ id }) => (
              <RemovalButton
                verb="Revoke"
                title="Revoke the invite?"
                text="Its link does not work any more. Who has joined already stays."
                said="The invite was revoked."
                run={() => ask(revokeInvite({ path: { id: organizationId, invite_id: id } }))}
              />
            ),
          },
        ]}
      />
    </>
  );
}

function InviteState({ invite: { uses, max_uses: most, expires_at: expires } }: { readonly invite: Invite }) {
  const now = useNow(10_000);
  if (uses >= most) return <Badge color="gray">used up</Badge>;
  return new Date(expires).getTime() < now ? <Badge color="gray">expired</Badge> : <Badge color="teal">open</Badge>;
}

function InviteForm({ organizationId, onClose }: { readonly organizationId: string; readonly onClose: () => void }) {
  const { data: me } = useSuspenseQuery(meQuery);
  const queries = useQueryClient();
  const [code, setCode] = useState<string | null>(null);
  const form = useForm({ initialValues: { role: 'developer' as Role, expires_in_s: String(7 * day), max_uses: 1 } });
  const deed = useFormDeed(form, async ({ role, expires_in_s: lifetime, max_uses }) => {
    const body = { role, expires_in_s: Number(lifetime), max_uses };
    const invite = await ask(createInvite({ path: { id: organizationId }, body }));
    void queries.invalidateQueries({ queryKey: ['people', 'invites'] });
    setCode(invite.code);
  });
  if (code !== null) {
    return (
      <ShownOnce
        label="Link"
        value={`${window.location.origin}/join/${encodeURIComponent(code)}`}
        about="Send this link to whom you invite. It is shown this once."
        onClose={onClose}
      />
    );
  }
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack>
        <RoleSelect
          label="Role"
          own={me.organization?.role ?? 'viewer'}
          value={form.values.role}
          error={form.errors['role']}
          onRole={(role) => form.setFieldValue('role', role)}
        />
        <Select label="Works for" data={lifetimes} allowDeselect={false} {...form.getInputProps('expires_in_s')} />
        <NumberInput label="For how many people" min={1} max={10_000} {...form.getInputProps('max_uses')} />
        <Group justify="flex-end">
          <Button type="submit" loading={deed.isPending}>
            Make it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
