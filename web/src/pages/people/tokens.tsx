import { Button, Code, Group, Select, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useInfiniteQuery, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { createToken, revokeToken } from '../../../../src/sdk/index.ts';
import { ask } from '../../api/client.ts';
import { tokensList } from '../../api/people-queries.ts';
import { meQuery } from '../../api/queries.ts';
import { useFormDeed } from '../../parts/form.tsx';
import { useMay } from '../../parts/may.ts';
import { Empty } from '../../parts/page-states.tsx';
import { Ago } from '../../parts/time.tsx';
import { MakeDialog } from './make-dialog.tsx';
import { PagedTable } from './paged-table.tsx';
import { RemovalButton } from './removal-button.tsx';
import { RoleSelect } from './role-select.tsx';
import { ShownOnce } from './shown-once.tsx';
import { TabHead } from './tab-head.tsx';

const day = 86_400;
const lifetimes = [
  { value: String(30 * day), label: '30 days' },
  { value: String(90 * day), label: '90 days' },
  { value: String(365 * day), label: 'A year' },
  { value: 'never', label: 'Until it is revoked' },
];

export default function Tokens({ organizationId }: { readonly organizationId: string }) {
  const list = useInfiniteQuery(tokensList(organizationId));
  const isAdmin = useMay('admin');
  return (
    <>
      <TabHead
        about={
          <>
            For programs: <Code>Authorization: Bearer TOKEN</Code>. A token acts for whoever made it, in this
            organization only. {isAdmin ? 'Admins see those of everybody.' : 'These are yours.'}
          </>
        }
        action={
          <MakeDialog title="Make a token">
            {(close) => <TokenForm organizationId={organizationId} onClose={close} />}
          </MakeDialog>
        }
      />
      <PagedTable
        label="API tokens"
        list={list}
        idOf={({ id }) => id}
        empty={<Empty title="No tokens">Make one for a script, or for a pipeline that submits.</Empty>}
        columns={[
          { name: 'name', label: 'Name', width: 'minmax(140px, 1fr)', cell: ({ name }) => name },
          { name: 'prefix', label: 'Begins with', width: '130px', cell: ({ prefix }) => <Code>{prefix}</Code> },
          { name: 'role', label: 'Role', width: '100px', cell: ({ role }) => role },
          { name: 'of', label: 'Of', width: 'minmax(90px, 1fr)', cell: ({ username }) => username },
          { name: 'used', label: 'Last used', width: '110px', cell: ({ last_used_at: at }) => <Ago at={at} /> },
          {
            name: 'expires',
            label: 'Expires',
            width: '110px',
            cell: ({ expires_at: at }) => (at === null ? 'never' : <Ago at={at} />),
          },
          {
            name: 'revoke',
            label: '',
            width: '100px',
            cell: ({ id, name }) => (
              <RemovalButton
                verb="Revoke"
                title={`Revoke ${name}?`}
                text="Programs that use it are refused from now on."
                said={`${name} was revoked.`}
                run={() => ask(revokeToken({ path: { id: organizationId, token_id: id } }))}
              />
            ),
          },
        ]}
      />
    </>
  );
}

function TokenForm({ organizationId, onClose }: { readonly organizationId: string; readonly onClose: () => void }) {
  const { data: me } = useSuspenseQuery(meQuery);
  const own = me.organization?.role ?? 'viewer';
  const queries = useQueryClient();
  const [token, setToken] = useState<string | null>(null);
  const form = useForm({ initialValues: { name: '', role: own, expires_in_s: String(90 * day) } });
  const deed = useFormDeed(form, async ({ name, role, expires_in_s: lifetime }) => {
    const body = { name, role, expires_in_s: lifetime === 'never' ? null : Number(lifetime) };
    const made = await ask(createToken({ path: { id: organizationId }, body }));
    void queries.invalidateQueries({ queryKey: ['people', 'tokens'] });
    setToken(made.token);
  });
  if (token !== null)
    return (
      <ShownOnce
        label="Token"
        value={token}
        about="Keep it where it is safe. It is shown this once."
        onClose={onClose}
      />
    );
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack>
        <TextInput label="Name" description="What it is for." required data-autofocus {...form.getInputProps('name')} />
        <RoleSelect
          label="Role"
          own={own}
          value={form.values.role}
          error={form.errors['role']}
          onRole={(role) => form.setFieldValue('role', role)}
        />
        <Select label="Works for" data={lifetimes} allowDeselect={false} {...form.getInputProps('expires_in_s')} />
        <Group justify="flex-end">
          <Button type="submit" loading={deed.isPending}>
            Make it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
