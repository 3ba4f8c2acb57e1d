import { Button, Code, Group, Modal, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { createCluster } from '../../../../src/sdk/index.ts';
import { ask } from '../../api/client.ts';
import { enginesQuery } from '../../api/cluster-queries.ts';
import { useFormDeed } from '../../parts/form.tsx';
import { formatAmounts } from '../../text/quantities.ts';
import { type NodeGroup, newGroup, nodesOf } from './new-nodes.ts';
import { NodeGroupFields } from './node-group-fields.tsx';

interface Values extends Record<string, unknown> {
  readonly name: string;
  readonly runtime: 'docker' | 'swarm' | 'simulated';
  /** Which swarm. */
  readonly engine: string | null;
  readonly groups: readonly NodeGroup[];
}

export function CreateCluster({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="New cluster" size="lg">
      <ClusterForm />
    </Modal>
  );
}

const abouts: Readonly<Record<Values['runtime'], string>> = {
  docker:
    'Containers run on the Docker Engine of this installation. Nodes on other engines are added to the cluster later.',
  swarm: 'The nodes of a Docker Swarm, with what they have, as the swarm says. They come and go with it.',
  simulated:
    'Nothing really runs: for trying out policies and loads. Images named simulated/… take as long as they say.',
};

function ClusterForm() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const form = useForm<Values>({
    initialValues: { name: '', runtime: 'docker', engine: null, groups: [newGroup] },
    validate: {
      engine: (engine, { runtime }) => (runtime === 'swarm' && engine === null ? 'Choose a swarm' : null),
    },
  });
  const deed = useFormDeed(form, async ({ name, runtime, engine, groups }) => {
    const what = runtime === 'swarm' && engine !== null ? { engine } : { nodes: nodesOf(groups) };
    const { id } = await ask(createCluster({ body: { name, runtime, ...what } }));
    await queries.invalidateQueries({ queryKey: ['clusters'] });
    await navigate({ to: '/clusters/$clusterId', params: { clusterId: id } });
  });
  const { groups, runtime } = form.values;
  const { data: engines } = useQuery({ ...enginesQuery, enabled: runtime === 'swarm' });
  const swarms = (engines?.items ?? []).filter(({ kind }) => kind === 'swarm');
  const isWithout = runtime === 'swarm' && swarms.length === 0;
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack gap="md">
        <TextInput label="Name" placeholder="training" required data-autofocus {...form.getInputProps('name')} />
        <Stack gap={4}>
          <SegmentedControl
            aria-label="What runs its containers"
            data={[
              { value: 'docker', label: 'Docker' },
              { value: 'swarm', label: 'Docker Swarm' },
              { value: 'simulated', label: 'Simulated' },
            ]}
            {...form.getInputProps('runtime')}
          />
          <Text size="sm" c="dimmed">
            {abouts[runtime]}
          </Text>
        </Stack>
        {isWithout && engines !== undefined && <HowToAddSwarm />}
        {runtime === 'swarm' && !isWithout && (
          // A swarm says itself what it has: it is only to be chosen.
          <Select
            label="Swarm"
            placeholder="Choose one"
            required
            data={swarms.map(({ id, name, address }) => ({ value: id, label: `${name} (${address})` }))}
            {...form.getInputProps('engine')}
          />
        )}
        {runtime !== 'swarm' && <Nodes groups={groups} onChange={(changed) => form.setFieldValue('groups', changed)} />}
        <Group justify="flex-end">
          <Button type="submit" loading={deed.isPending} disabled={isWithout}>
            Create
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function HowToAddSwarm() {
  return (
    <Text size="sm">
      No swarm is known yet. Whoever has the credentials of one of its managers adds it:{' '}
      <Code>hv engine add lab tcp://manager-1:2376 --swarm --tls-ca ca.pem --tls-cert cert.pem --tls-key key.pem</Code>
    </Text>
  );
}

interface NodesProps {
  readonly groups: readonly NodeGroup[];
  readonly onChange: (groups: readonly NodeGroup[]) => void;
}

function Nodes({ groups, onChange }: NodesProps) {
  return (
    <>
      {groups.map((group, index) => (
        <NodeGroupFields
          // biome-ignore lint/suspicious/noArrayIndexKey: a group has no other identity
          key={index}
          legend={groups.length === 1 ? 'Nodes' : `Nodes, group ${index + 1}`}
          group={group}
          onChange={(changed) => onChange(groups.with(index, changed))}
          onRemove={groups.length === 1 ? undefined : () => onChange(groups.toSpliced(index, 1))}
        />
      ))}
      <Group justify="space-between">
        <Button
          variant="subtle"
          leftSection={<IconPlus size={16} />}
          onClick={() => onChange([...groups, { ...newGroup, prefix: `group${groups.length + 1}` }])}
        >
          Nodes of another size
        </Button>
        <Text size="sm" c="dimmed" aria-live="polite">
          {totalOf(groups)}
        </Text>
      </Group>
    </>
  );
}

function totalOf(groups: readonly NodeGroup[]): string {
  const sum = (of: (group: NodeGroup) => number) => groups.reduce((total, group) => total + group.count * of(group), 0);
  const nodes = sum(() => 1);
  const amounts = { ram: sum(({ ram }) => ram), cpu: sum(({ cpu }) => cpu), gpu: sum(({ gpus }) => gpus) };
  return `${nodes} ${nodes === 1 ? 'node' : 'nodes'}: ${formatAmounts(amounts)}`;
}
