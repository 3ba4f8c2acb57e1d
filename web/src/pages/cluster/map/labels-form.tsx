import { Button, Group, Modal, Stack, Textarea } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { updateNode } from '../../../../../src/sdk/index.ts';
import type { Node } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { sayDone } from '../../../parts/feedback.tsx';
import { useFormDeed } from '../../../parts/form.tsx';
import { changeOfLabels, writeLabels } from './labels.ts';

export function LabelsForm({ node, onClose }: { readonly node: Node; readonly onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm({ initialValues: { labels: writeLabels(node.labels) } });
  const deed = useFormDeed(
    form,
    async ({ labels: text }) => {
      const change = changeOfLabels(node.labels, text);
      if ('wrong' in change) {
        form.setFieldError('labels', `Write it as name=value: ${change.wrong}`);
        return;
      }
      if (Object.keys(change.changes).length > 0) {
        const path = { id: node.cluster_id, node_id: node.id };
        await ask(updateNode({ path, body: { labels: { ...change.changes } } }));
        sayDone(`The labels of ${node.name} are changed.`);
        await queries.invalidateQueries({ queryKey: ['clusters', node.cluster_id] });
      }
      onClose();
    },
    (field) => (field.startsWith('labels') ? 'labels' : field),
  );
  return (
    <Modal opened onClose={onClose} title={`Labels of ${node.name}`}>
      <form onSubmit={deed.onSubmit}>
        <Stack gap="md">
          <Textarea
            label="Labels"
            description="One in a line: name=value. Deployments can ask for nodes that have them."
            autosize
            minRows={3}
            ff="monospace"
            data-autofocus
            {...form.getInputProps('labels')}
          />
          <Group justify="flex-end">
            <Button type="submit" loading={deed.isPending}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
