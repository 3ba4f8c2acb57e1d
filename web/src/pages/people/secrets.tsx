import { Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { createSecret, deleteSecret, rotateSecret } from '../../../../src/sdk/index.ts';
import type { Secret } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { secretsList } from '../../api/people-queries.ts';
import { sayDone } from '../../parts/feedback.tsx';
import { useFormDeed } from '../../parts/form.tsx';
import { useMay } from '../../parts/may.ts';
import { Empty } from '../../parts/page-states.tsx';
import { Ago } from '../../parts/time.tsx';
import { MakeDialog } from './make-dialog.tsx';
import { PagedTable } from './paged-table.tsx';
import { RemovalButton } from './removal-button.tsx';
import { TabHead } from './tab-head.tsx';

export default function Secrets() {
  const list = useInfiniteQuery(secretsList);
  const isAdmin = useMay('admin');
  const [rotated, setRotated] = useState<Secret | null>(null);
  return (
    <>
      <TabHead
        about={
          isAdmin
            ? 'Deployments get them by name, as variables or files. Values go in and are never shown.'
            : 'Deployments get them by name, as variables or files. Admins set them.'
        }
        action={isAdmin && <MakeDialog title="Add a secret">{(close) => <SecretForm onClose={close} />}</MakeDialog>}
      />
      <PagedTable
        label="Secrets"
        list={list}
        idOf={({ id }) => id}
        empty={<Empty title="No secrets">Passwords and keys that deployments need belong here.</Empty>}
        columns={[
          { name: 'name', label: 'Name', width: 'minmax(160px, 2fr)', cell: ({ name }) => name },
          { name: 'version', label: 'Version', width: '90px', cell: ({ version }) => version },
          { name: 'since', label: 'Value since', width: '130px', cell: ({ updated_at: at }) => <Ago at={at} /> },
          { name: 'made', label: 'Made', width: '130px', cell: ({ created_at: at }) => <Ago at={at} /> },
          {
            name: 'deeds',
            label: '',
            width: '200px',
            cell: (secret) => isAdmin && <Deeds secret={secret} onRotate={() => setRotated(secret)} />,
          },
        ]}
      />
      <Modal
        opened={rotated !== null}
        onClose={() => setRotated(null)}
        title={`A new value for ${rotated?.name ?? ''}`}
      >
        {rotated !== null && <SecretForm secret={rotated} onClose={() => setRotated(null)} />}
      </Modal>
    </>
  );
}

function Deeds({ secret: { name }, onRotate }: { readonly secret: Secret; readonly onRotate: () => void }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Button size="compact-sm" variant="subtle" onClick={onRotate} aria-label={`New value for ${name}`}>
        New value
      </Button>
      <RemovalButton
        verb="Delete"
        title={`Delete ${name}?`}
        text="Its value can't be brought back. While deployments that are not over refer to it, it is refused."
        said={`${name} was deleted.`}
        run={() => ask(deleteSecret({ path: { name } }))}
      />
    </Group>
  );
}

function SecretForm({ secret, onClose }: { readonly secret?: Secret; readonly onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { name: secret?.name ?? '', value: '' } });
  const deed = useFormDeed(form, async ({ name, value }) => {
    if (secret === undefined) await ask(createSecret({ body: { name, value } }));
    else await ask(rotateSecret({ path: { name: secret.name }, body: { value } }));
    void queries.invalidateQueries({ queryKey: ['people', 'secrets'] });
    sayDone(secret === undefined ? `${name} was added.` : `${name} has a new value.`);
    onClose();
  });
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack>
        {secret === undefined && (
          <TextInput label="Name" required data-autofocus autoComplete="off" {...form.getInputProps('name')} />
        )}
        <Textarea
          label="Value"
          description={secret === undefined ? undefined : 'Containers that run keep the one that they began with.'}
          required
          autosize
          minRows={2}
          maxRows={10}
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps('value')}
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
