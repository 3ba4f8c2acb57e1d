import { Alert, Button, Group, Text } from '@mantine/core';
import { IconTool } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { deleteMaintenance } from '../../../../../src/sdk/index.ts';
import type { Maintenance, Node } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { confirmThat, useDeed } from '../../../parts/feedback.tsx';
import { useMay } from '../../../parts/may.ts';
import { Time } from '../../../parts/time.tsx';

interface MaintenanceListProps {
  readonly clusterId: string;
  readonly windows: readonly Maintenance[];
  readonly nodes: readonly Node[];
}

/** When nodes are closed, now and ahead. */
export function MaintenanceList({ clusterId, windows, nodes }: MaintenanceListProps) {
  const may = useMay('admin');
  const queries = useQueryClient();
  const remove = useDeed(async (id: string) => {
    await ask(deleteMaintenance({ path: { id: clusterId, maintenance_id: id } }));
    await queries.invalidateQueries({ queryKey: ['clusters', clusterId] });
  }, 'The maintenance is called off.');
  return windows.map(({ id, node_id: nodeId, starts_at: starts, ends_at: ends, status, reason }) => {
    const what = nodeId === null ? 'the whole cluster' : (nodes.find((node) => node.id === nodeId)?.name ?? 'a node');
    const isActive = status === 'active';
    return (
      <Alert key={id} color={isActive ? 'orange' : 'blue'} icon={<IconTool />}>
        <Group justify="space-between">
          <Text size="sm">
            Maintenance of {what} {isActive ? 'since' : 'from'} <Time at={starts} /> until <Time at={ends} />
            {reason === '' ? '.' : `: ${reason}`}
          </Text>
          {may && (
            <Button
              size="xs"
              variant="default"
              onClick={() =>
                confirmThat({
                  title: isActive ? 'End this maintenance now?' : 'Call this maintenance off?',
                  text: isActive ? 'Its nodes open again.' : 'Its nodes stay open.',
                  verb: isActive ? 'End it' : 'Call it off',
                  onConfirm: () => remove.mutate(id),
                })
              }
            >
              {isActive ? 'End it' : 'Call off'}
            </Button>
          )}
        </Group>
      </Alert>
    );
  });
}
