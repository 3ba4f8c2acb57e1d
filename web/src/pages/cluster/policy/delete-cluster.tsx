import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { deleteCluster } from '../../../../../src/sdk/index.ts';
import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { useDeed } from '../../../parts/feedback.tsx';

/** Asks for its name first: nothing brings a cluster back. */
export function DeleteCluster({ cluster }: { readonly cluster: Cluster }) {
  const { id, name, deployments } = cluster;
  const [isOpen, { open, close }] = useDisclosure(false);
  const [typed, setTyped] = useState('');
  const queries = useQueryClient();
  const navigate = useNavigate();
  const left = deployments.queued + deployments.active;
  const remove = useDeed(async () => {
    await ask(deleteCluster({ path: { id }, query: { force: left > 0 ? 'true' : 'false' } }));
    close();
    await navigate({ to: '/clusters' });
    await queries.invalidateQueries({ queryKey: ['clusters'] });
  }, `${name} is being deleted.`);
  return (
    <>
      <Button variant="light" color="red" onClick={open} disabled={cluster.status === 'deleting'}>
        Delete the cluster
      </Button>
      <Modal opened={isOpen} onClose={close} title={`Delete ${name}`}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            remove.mutate(undefined);
          }}
        >
          <Stack gap="md">
            <Text size="sm">
              The cluster goes, with its nodes and the records and logs of all its deployments, for good.{' '}
              {left > 0 &&
                `${deployments.queued} that wait are withdrawn, and ${deployments.active} that run are stopped first.`}
            </Text>
            <TextInput
              label={`Type ${name} to confirm`}
              value={typed}
              onChange={({ currentTarget: { value } }) => setTyped(value)}
              autoComplete="off"
              data-autofocus
            />
            <Group justify="flex-end">
              <Button type="submit" color="red" disabled={typed !== name} loading={remove.isPending}>
                Delete it
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
