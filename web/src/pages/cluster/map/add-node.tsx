import { Button, Group, Modal, Select, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createNode } from '../../../../../src/sdk/index.ts';
import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { enginesQuery } from '../../../api/cluster-queries.ts';
import { sayDone } from '../../../parts/feedback.tsx';
import { useFormDeed } from '../../../parts/form.tsx';
import { type NodeGroup, newGroup, nodesOf } from '../../clusters/new-nodes.ts';
import { NodeGroupFields } from '../../clusters/node-group-fields.tsx';

interface Values extends Record<string, unknown> {
  readonly group: NodeGroup;
  readonly engine: string | null;
}

/** One node more, or several that are alike. */
export default function AddNode({ cluster, onClose }: { readonly cluster: Cluster; readonly onClose: () => void }) {
  const queries = useQueryClient();
  const { data: engines } = useQuery({ ...enginesQuery, enabled: cluster.runtime === 'docker' });
  const form = useForm<Values>({ initialValues: { group: newGroup, engine: null } });
  const deed = useFormDeed(form, async ({ group, engine }) => {
    const nodes = nodesOf([group]);
    try {
      for (const node of nodes) {
        await ask(createNode({ path: { id: cluster.id }, body: { ...node, ...(engine !== null && { engine }) } }));
      }
      sayDone(nodes.length === 1 ? `${group.prefix} was added.` : `${nodes.length} nodes were added.`);
      onClose();
    } finally {
      // Those before one that was refused are there.
      await queries.invalidateQueries({ queryKey: ['clusters', cluster.id] });
    }
  });
  // Those of a swarm are nodes of the cluster that it is.
  const known = (engines?.items ?? []).filter(({ kind }) => kind === 'docker');
  return (
    <Modal opened onClose={onClose} title={`Add to ${cluster.name}`} size="lg">
      <form onSubmit={deed.onSubmit}>
        <Stack gap="md">
          <NodeGroupFields
            legend="Node"
            group={form.values.group}
            onChange={(group) => form.setFieldValue('group', group)}
          />
          {known.length > 0 && (
            <Select
              label="Engine"
              placeholder="The installation's own"
              data={known.map(({ id, name }) => ({ value: id, label: name }))}
              clearable
              {...form.getInputProps('engine')}
            />
          )}
          <Group justify="flex-end">
            <Button type="submit" loading={deed.isPending}>
              Add
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
