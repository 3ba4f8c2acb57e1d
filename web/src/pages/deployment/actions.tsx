import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconCopy, IconDotsVertical, IconPlayerStop, IconRefresh, IconTrash, IconX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { cancelDeployment, deleteDeployment, retryDeployment, stopDeployment } from '../../../../src/sdk/index.ts';
import type { DeploymentDetail, Status } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { confirmThat, useDeed } from '../../parts/feedback.tsx';
import { Link } from '../../parts/link.tsx';
import { useMay } from '../../parts/may.ts';
import { PriorityControl } from './priority.tsx';

const ended: ReadonlySet<Status> = new Set(['succeeded', 'failed', 'cancelled', 'skipped']);
const active: ReadonlySet<Status> = new Set(['starting', 'running']);

/** What can be done with it in the state that it is in. */
export function Actions({ deployment }: { readonly deployment: DeploymentDetail }) {
  const { id, name, status } = deployment;
  const may = useMay('developer');
  const queries = useQueryClient();
  const navigate = useNavigate();
  const refresh = () => void queries.invalidateQueries({ queryKey: ['deployments'] });
  const path = { id };
  const cancel = useDeed(() => ask(cancelDeployment({ path })).finally(refresh), `${name} was withdrawn.`);
  const stop = useDeed(() => ask(stopDeployment({ path })).finally(refresh), `${name} is being stopped.`);
  const retry = useDeed(() => ask(retryDeployment({ path })).finally(refresh), `${name} is queued again.`);
  const remove = useDeed(async () => {
    await ask(deleteDeployment({ path }));
    await navigate({ to: '/deployments' });
  }, `${name} was deleted.`);
  if (!may) return null;
  return (
    <>
      {status === 'queued' && <PriorityControl deployment={deployment} />}
      {status === 'queued' && (
        <Button
          variant="default"
          leftSection={<IconX size={16} />}
          loading={cancel.isPending}
          onClick={() =>
            confirmThat({
              title: `Withdraw ${name}?`,
              text: 'It leaves the queue. Retried later, it waits anew, from the end of its priority.',
              verb: 'Withdraw it',
              onConfirm: () => cancel.mutate(undefined),
            })
          }
        >
          Withdraw
        </Button>
      )}
      {active.has(status) && (
        <Button
          color="red"
          variant="light"
          leftSection={<IconPlayerStop size={16} />}
          loading={stop.isPending}
          onClick={() =>
            confirmThat({
              title: `Stop ${name}?`,
              text: `Its containers get a signal and ${deployment.stop_grace_s} s to end. What they had not saved is lost.`,
              verb: 'Stop it',
              onConfirm: () => stop.mutate(undefined),
            })
          }
        >
          Stop
        </Button>
      )}
      {ended.has(status) && (
        <Button
          variant="default"
          leftSection={<IconRefresh size={16} />}
          loading={retry.isPending}
          onClick={() => retry.mutate(undefined)}
        >
          Retry
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More">
            <IconDotsVertical size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconCopy size={16} />} component={Link} to={`/submit?from=${id}`}>
            Submit another like it
          </Menu.Item>
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            disabled={!ended.has(status)}
            onClick={() =>
              confirmThat({
                title: `Delete ${name}?`,
                text: 'Its record, its logs and its place in lists go for good.',
                verb: 'Delete it',
                onConfirm: () => remove.mutate(undefined),
              })
            }
          >
            {ended.has(status) ? 'Delete' : 'Delete (when it has ended)'}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
