import { Button, Group, Modal, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { createCluster } from '../../../../src/sdk/index.ts';
import { ask } from '../../api/client.ts';
import { useFormDeed } from '../../parts/form.tsx';
import { formatAmounts } from '../../text/quantities.ts';
import { type NodeGroup, newGroup, nodesOf } from './new-nodes.ts';
import { NodeGroupFields } from './node-group-fields.tsx';

interface Values extends Record<string, unknown> {
  readonly name: string;
  readonly runtime: 'docker' | 'simulated';
  readonly groups: readonly NodeGroup[];
}

export function CreateCluster({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="New cluster" size="lg">
      <ClusterForm />
    </Modal>
  );
}

function ClusterForm() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const form = useForm<Values>({ initialValues: { name: '', runtime: 'docker', groups: [newGroup] } });
  const deed = useFormDeed(form, async ({ name, runtime, groups }) => {
    const { id } = await ask(createCluster({ body: { name, runtime, nodes: nodesOf(groups) } }));
    await queries.invalidateQueries({ queryKey: ['clusters'] });
    await navigate({ to: '/clusters/$clusterId', params: { clusterId: id } });
  });
  const { groups, runtime } = form.values;
  const set = (changed: readonly NodeGroup[]) => form.setFieldValue('groups', changed);
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack gap="md">
        <TextInput label="Name" placeholder="training" required data-autofocus {...form.getInputProps('name')} />
        <Stack gap={4}>
          <SegmentedControl
            aria-label="What runs its containers"
            data={[
              { value: 'docker', label: 'Docker' },
              { value: 'simulated', label: 'Simulated' },
            ]}
            {...form.getInputProps('runtime')}
          />
          <Text size="sm" c="dimmed">
            {runtime === 'docker'
              ? 'Containers run on the Docker Engine of this installation. Nodes on other engines are added to the cluster later.'
              : 'Nothing really runs: for trying out policies and loads. Images named simulated/… take as long as they say.'}
          </Text>
        </Stack>
        {groups.map((group, index) => (
          <NodeGroupFields
            // biome-ignore lint/suspicious/noArrayIndexKey: a group has no other identity
            key={index}
            legend={groups.length === 1 ? 'Nodes' : `Nodes, group ${index + 1}`}
            group={group}
            onChange={(changed) => set(groups.with(index, changed))}
            onRemove={groups.length === 1 ? undefined : () => set(groups.toSpliced(index, 1))}
          />
        ))}
        <Group justify="space-between">
          <Button
            variant="subtle"
            leftSection={<IconPlus size={16} />}
            onClick={() => set([...groups, { ...newGroup, prefix: `group${groups.length + 1}` }])}
          >
            Nodes of another size
          </Button>
          <Text size="sm" c="dimmed" aria-live="polite">
            {totalOf(groups)}
          </Text>
        </Group>
        <Group justify="flex-end">
          <Button type="submit" loading={deed.isPending}>
            Create
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function totalOf(groups: readonly NodeGroup[]): string {
  const sum = (of: (group: NodeGroup) => number) => groups.reduce((total, group) => total + group.count * of(group), 0);
  const nodes = sum(() => 1);
  const amounts = { ram: sum(({ ram }) => ram), cpu: sum(({ cpu }) => cpu), gpu: sum(({ gpus }) => gpus) };
  return `${nodes} ${nodes === 1 ? 'node' : 'nodes'}: ${formatAmounts(amounts)}`;
}
