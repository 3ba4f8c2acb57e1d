import { Button, Group, Modal, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  changeRegistryCredential,
  createRegistryCredential,
  deleteRegistryCredential,
} from '../../../../src/sdk/index.ts';
import type { RegistryCredential } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { registriesList } from '../../api/people-queries.ts';
import { sayDone } from '../../parts/feedback.tsx';
import { useFormDeed } from '../../parts/form.tsx';
import { Empty } from '../../parts/page-states.tsx';
import { Ago } from '../../parts/time.tsx';
import { MakeDialog } from './make-dialog.tsx';
import { PagedTable } from './paged-table.tsx';
import { RemovalButton } from './removal-button.tsx';
import { TabHead } from './tab-head.tsx';

export default function Registries() {
  const list = useInfiniteQuery(registriesList);
  const [changed, setChanged] = useState<RegistryCredential | null>(null);
  return (
    <>
      <TabHead
        about="How private images are pulled. Passwords go in and are never shown."
        action={<MakeDialog title="Add a registry">{(close) => <RegistryForm onClose={close} />}</MakeDialog>}
      />
      <PagedTable
        label="Registries"
        list={list}
        idOf={({ id }) => id}
        empty={<Empty title="No registries">Images that everybody may pull need none.</Empty>}
        columns={[
          { name: 'server', label: 'Registry', width: 'minmax(160px, 2fr)', cell: ({ server }) => server },
          { name: 'username', label: 'Username', width: 'minmax(120px, 1fr)', cell: ({ username }) => username },
          { name: 'since', label: 'Password since', width: '130px', cell: ({ updated_at: at }) => <Ago at={at} /> },
          {
            name: 'deeds',
            label: '',
            width: '220px',
            cell: (credential) => (
              <Group gap={4} wrap="nowrap">
                <Button size="compact-sm" variant="subtle" onClick={() => setChanged(credential)}>
                  New password
                </Button>
                <RemovalButton
                  verb="Delete"
                  title={`Delete the credentials for ${credential.server}?`}
                  text="Its private images can't be pulled any more. What runs goes on."
                  said="The credentials were deleted."
                  run={() => ask(deleteRegistryCredential({ path: { id: credential.id } }))}
                />
              </Group>
            ),
          },
        ]}
      />
      <Modal
        opened={changed !== null}
        onClose={() => setChanged(null)}
        title={`A new password for ${changed?.server ?? ''}`}
      >
        {changed !== null && <RegistryForm credential={changed} onClose={() => setChanged(null)} />}
      </Modal>
    </>
  );
}

interface RegistryFormProps {
  readonly credential?: RegistryCredential;
  readonly onClose: () => void;
}

function RegistryForm({ credential, onClose }: RegistryFormProps) {
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { server: credential?.server ?? '', username: credential?.username ?? '', password: '' },
  });
  const deed = useFormDeed(form, async ({ server, username, password }) => {
    if (credential === undefined) await ask(createRegistryCredential({ body: { server, username, password } }));
    else await ask(changeRegistryCredential({ path: { id: credential.id }, body: { username, password } }));
    void queries.invalidateQueries({ queryKey: ['people', 'registries'] });
    sayDone(`Images of ${server} are pulled as ${username}.`);
    onClose();
  });
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack>
        {credential === undefined && (
          <TextInput
            label="Registry"
            description="As it stands in image names; docker.io for Docker Hub."
            placeholder="registry.example.com"
            required
            data-autofocus
            {...form.getInputProps('server')}
          />
        )}
        <TextInput label="Username" required autoComplete="off" {...form.getInputProps('username')} />
        <PasswordInput
          label="Password or token"
          required
          autoComplete="new-password"
          {...form.getInputProps('password')}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={deed.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
