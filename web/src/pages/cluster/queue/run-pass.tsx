import { Button, Group, Modal, Tooltip } from '@mantine/core';
import { IconBolt, IconEye } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { schedule } from '../../../../../src/sdk/index.ts';
import { ask } from '../../../api/client.ts';
import { sayFailed } from '../../../parts/feedback.tsx';
import { PassResultView } from '../decisions/pass-result.tsx';

/** Has the scheduler decide now, or say what it would. */
export function RunPass({ clusterId, onDone }: { readonly clusterId: string; readonly onDone: () => Promise<void> }) {
  const pass = useMutation({
    mutationFn: (dryRun: boolean) =>
      ask(schedule({ path: { id: clusterId }, query: { dryRun: dryRun ? 'true' : 'false' } })),
    onSuccess: ({ dry_run: isDry }) => (isDry ? undefined : onDone()),
    onError: sayFailed,
  });
  return (
    <Group gap="xs">
      <Tooltip label="A dry run: what a pass would decide. Nothing is changed.">
        <Button
          variant="default"
          leftSection={<IconEye size={16} />}
          loading={pass.isPending && pass.variables}
          onClick={() => pass.mutate(true)}
        >
          What would it decide?
        </Button>
      </Tooltip>
      <Tooltip label="The scheduler decides by itself, too, whenever something changes.">
        <Button
          leftSection={<IconBolt size={16} />}
          loading={pass.isPending && !pass.variables}
          onClick={() => pass.mutate(false)}
        >
          Schedule now
        </Button>
      </Tooltip>
      <Modal
        opened={pass.data !== undefined}
        onClose={pass.reset}
        size="xl"
        title={pass.data?.dry_run === true ? 'What it would decide' : 'What it decided'}
      >
        {pass.data !== undefined && <PassResultView result={pass.data} />}
      </Modal>
    </Group>
  );
}
