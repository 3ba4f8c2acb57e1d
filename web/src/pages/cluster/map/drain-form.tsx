import { Button, Group, Modal, NumberInput, Radio, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { drainNode } from '../../../../../src/sdk/index.ts';
import type { Node } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { sayDone } from '../../../parts/feedback.tsx';
import { useFormDeed } from '../../../parts/form.tsx';

interface Values extends Record<string, unknown> {
  readonly jobs: 'finish' | 'deadline' | 'stop';
  readonly minutes: number | string;
}

export function DrainForm({ node, onClose }: { readonly node: Node; readonly onClose: () => void }) {
  const queries = useQueryClient();
  const form = useForm<Values>({ initialValues: { jobs: 'finish', minutes: 60 } });
  const deed = useFormDeed(
    form,
    async ({ jobs, minutes }) => {
      const body = {
        jobs: jobs === 'stop' ? ('stop' as const) : ('finish' as const),
        ...(jobs === 'deadline' && { deadline_s: Number(minutes) * 60 }),
      };
      await ask(drainNode({ path: { id: node.cluster_id, node_id: node.id }, body }));
      sayDone(`${node.name} is being drained.`);
      onClose();
      await queries.invalidateQueries({ queryKey: ['clusters', node.cluster_id] });
    },
    (field) => (field === 'deadline_s' ? 'minutes' : field),
  );
  return (
    <Modal opened onClose={onClose} title={`Drain ${node.name}`}>
      <form onSubmit={deed.onSubmit}>
        <Stack gap="md">
          <Text size="sm">
            Nothing new is placed on it, and services move to other nodes. Opening it again ends the drain.
          </Text>
          <Radio.Group label="Its jobs" {...form.getInputProps('jobs')}>
            <Stack gap="xs" mt={4}>
              <Radio value="finish" label="may finish, however long they take" />
              <Radio value="deadline" label="may finish until a deadline; then they are stopped and queued again" />
              <Radio value="stop" label="are stopped and queued again at once" />
            </Stack>
          </Radio.Group>
          {form.values.jobs === 'deadline' && (
            <NumberInput label="Minutes until then" min={1} required {...form.getInputProps('minutes')} />
          )}
          <Group justify="flex-end">
            <Button type="submit" loading={deed.isPending}>
              Drain it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
