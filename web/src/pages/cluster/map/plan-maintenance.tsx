import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { planMaintenance } from '../../../../../src/sdk/index.ts';
import type { Node } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { sayDone } from '../../../parts/feedback.tsx';
import { useFormDeed } from '../../../parts/form.tsx';

interface Values extends Record<string, unknown> {
  readonly node_id: string | null;
  /** As the browser's own field gives it: the reader's local time, without a zone. */
  readonly starts_at: string;
  readonly ends_at: string;
  readonly reason: string;
}

interface PlanMaintenanceProps {
  readonly clusterId: string;
  readonly nodes: readonly Node[];
  readonly onClose: () => void;
}

export default function PlanMaintenance({ clusterId, nodes, onClose }: PlanMaintenanceProps) {
  const queries = useQueryClient();
  const form = useForm<Values>({
    initialValues: { node_id: null, starts_at: '', ends_at: '', reason: '' },
    validate: {
      starts_at: (value) => (value === '' ? 'Say when it begins.' : null),
      ends_at: (value) => (value === '' ? 'Say when it ends.' : null),
    },
  });
  const deed = useFormDeed(form, async ({ node_id, starts_at, ends_at, reason }) => {
    const body = { node_id, starts_at: instantOf(starts_at), ends_at: instantOf(ends_at), reason };
    await ask(planMaintenance({ path: { id: clusterId }, body }));
    sayDone('The maintenance is planned.');
    onClose();
    await queries.invalidateQueries({ queryKey: ['clusters', clusterId] });
  });
  return (
    <Modal opened onClose={onClose} title="Plan maintenance">
      <form onSubmit={deed.onSubmit}>
        <Stack gap="md">
          <Select
            label="Of"
            placeholder="The whole cluster"
            data={nodes.map(({ id, name }) => ({ value: id, label: name }))}
            searchable
            clearable
            {...form.getInputProps('node_id')}
          />
          <TextInput
            type="datetime-local"
            label="Begins"
            description="In your time zone. Nothing is placed that could still run then."
            required
            {...form.getInputProps('starts_at')}
          />
          <TextInput type="datetime-local" label="Ends" required {...form.getInputProps('ends_at')} />
          <TextInput label="Reason" placeholder="New drivers" {...form.getInputProps('reason')} />
          <Group justify="flex-end">
            <Button type="submit" loading={deed.isPending}>
              Plan it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

const instantOf = (local: string): string => new Date(local).toISOString();
