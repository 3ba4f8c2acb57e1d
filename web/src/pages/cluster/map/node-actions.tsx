import { Button, Group } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { deleteNode, updateNode } from '../../../../../src/sdk/index.ts';
import type { Node } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { confirmThat, sayDone, sayFailed, useDeed } from '../../../parts/feedback.tsx';
import { useMay } from '../../../parts/may.ts';
import { DrainForm } from './drain-form.tsx';
import { LabelsForm } from './labels-form.tsx';

/** Closing a node, opening it again, emptying it, taking it away. */
export function NodeActions({ node, onGone }: { readonly node: Node; readonly onGone: () => void }) {
  const may = useMay('admin');
  const queries = useQueryClient();
  const [form, setForm] = useState<'drain' | 'labels' | null>(null);
  const path = { id: node.cluster_id, node_id: node.id };
  const refresh = () => queries.invalidateQueries({ queryKey: ['clusters', node.cluster_id] });
  const setSchedulable = async (schedulable: boolean) => {
    await ask(updateNode({ path, body: { schedulable } }));
    await refresh();
  };
  const remove = useDeed(async () => {
    await ask(deleteNode({ path }));
    onGone();
    await refresh();
  }, `${node.name} was taken away.`);
  if (!may) return null;
  const isOpen = node.schedulable;
  const isEmpty = node.allocations?.length === 0;
  return (
    <Group gap="xs">
      {isOpen ? (
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            void setSchedulable(false).then(
              () => sayDone(`${node.name} takes nothing new.`, () => setSchedulable(true)),
              sayFailed,
            )
          }
        >
          Cordon
        </Button>
      ) : (
        <Button
          size="xs"
          onClick={() => void setSchedulable(true).then(() => sayDone(`${node.name} is open again.`), sayFailed)}
        >
          Open it again
        </Button>
      )}
      {node.drain?.drained_at == null && (
        <Button size="xs" variant="default" onClick={() => setForm('drain')}>
          {node.drain === null ? 'Drain' : 'Change the drain'}
        </Button>
      )}
      <Button size="xs" variant="default" onClick={() => setForm('labels')}>
        Labels
      </Button>
      <Button
        size="xs"
        variant="light"
        color="red"
        disabled={!isEmpty}
        loading={remove.isPending}
        onClick={() =>
          confirmThat({
            title: `Take ${node.name} away?`,
            text: 'The cluster is smaller by it from then on. It can be added again.',
            verb: 'Take it away',
            onConfirm: () => remove.mutate(undefined),
          })
        }
      >
        {isEmpty ? 'Take away' : 'Take away (when it is empty)'}
      </Button>
      {form === 'drain' && <DrainForm node={node} onClose={() => setForm(null)} />}
      {form === 'labels' && <LabelsForm node={node} onClose={() => setForm(null)} />}
    </Group>
  );
}
