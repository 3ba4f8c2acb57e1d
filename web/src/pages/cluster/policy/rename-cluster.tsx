import { Button, Group, Modal, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { updateCluster } from '../../../../../src/sdk/index.ts';
import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { sayDone } from '../../../parts/feedback.tsx';
import { useFormDeed } from '../../../parts/form.tsx';

export function RenameCluster({ cluster: { id, name } }: { readonly cluster: Cluster }) {
  const [isOpen, { open, close }] = useDisclosure(false);
  const queries = useQueryClient();
  const form = useForm({ initialValues: { name } });
  const rename = async (to: string) => {
    await ask(updateCluster({ path: { id }, body: { name: to } }));
    await queries.invalidateQueries({ queryKey: ['clusters'] });
  };
  const deed = useFormDeed(form, async ({ name: to }) => {
    await rename(to);
    sayDone(`It is named ${to} now.`, () => rename(name));
    close();
  });
  return (
    <>
      <Button variant="default" onClick={open}>
        Rename
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Rename ${name}`}>
        <form onSubmit={deed.onSubmit}>
          <TextInput label="Name" required data-autofocus {...form.getInputProps('name')} />
          <Group justify="flex-end" mt="md">
            <Button type="submit" loading={deed.isPending}>
              Rename
            </Button>
          </Group>
        </form>
      </Modal>
    </>
  );
}
