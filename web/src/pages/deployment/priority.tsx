import { ActionIcon, Group, Text, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { updateDeployment } from '../../../../src/sdk/index.ts';
import type { DeploymentDetail } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { sayDone, sayFailed } from '../../parts/feedback.tsx';

/** Raises and lowers what waits. A lower number is more urgent, so that "raise" takes one away. */
export function PriorityControl({ deployment: { id, name, priority } }: { readonly deployment: DeploymentDetail }) {
  const queries = useQueryClient();
  const set = async (value: number) => {
    await ask(updateDeployment({ path: { id }, body: { priority: value } }));
    await queries.invalidateQueries({ queryKey: ['deployments'] });
  };
  const change = (value: number) => {
    set(value).then(() => sayDone(`${name} has priority ${value} now.`, () => set(priority)), sayFailed);
  };
  return (
    <Group gap={4}>
      <Text size="sm" c="dimmed">
        Priority {priority}
      </Text>
      <Tooltip label="More urgent: a lower number">
        <ActionIcon
          variant="default"
          size={36}
          aria-label="Raise its priority"
          disabled={priority <= 0}
          onClick={() => change(priority - 1)}
        >
          <IconChevronUp size={18} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Less urgent: a higher number">
        <ActionIcon variant="default" size={36} aria-label="Lower its priority" onClick={() => change(priority + 1)}>
          <IconChevronDown size={18} />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
