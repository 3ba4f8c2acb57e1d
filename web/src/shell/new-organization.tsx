import { Button, Group, Modal, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { createOrganization, updateMe } from '../../../src/sdk/index.ts';
import { ask } from '../api/client.ts';
import { meQuery } from '../api/queries.ts';
import { useFormDeed } from '../parts/form.tsx';

/** The form by itself; whoever makes an organization uses it from then on. */
export function OrganizationForm({ onDone }: { readonly onDone?: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({ initialValues: { name: '' } });
  const deed = useFormDeed(form, async ({ name }) => {
    const { id } = await ask(createOrganization({ body: { name } }));
    await ask(updateMe({ body: { organization_id: id } }));
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' });
    await queries.invalidateQueries(meQuery);
    onDone?.();
    await navigate({ to: '/' });
  });
  return (
    <form onSubmit={deed.onSubmit}>
      <TextInput
        label="Name"
        description="Whom the machines are shared with: a team, a company."
        required
        data-autofocus
        {...form.getInputProps('name')}
      />
      <Group justify="flex-end" mt="md">
        <Button type="submit" loading={deed.isPending}>
          Create
        </Button>
      </Group>
    </form>
  );
}

export function NewOrganization({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="New organization">
      <OrganizationForm onDone={onClose} />
    </Modal>
  );
}
