/** A shell in a container, while it runs. */
import { Alert, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconTerminal2 } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import type { DeploymentDetail } from '../../../../src/sdk/types.gen.ts';
import { useMay } from '../../parts/may.ts';
import { Empty, PageLoading } from '../../parts/page-states.tsx';

const TerminalView = lazy(() => import('./terminal-view.tsx'));

export default function TerminalTab({ deployment }: { readonly deployment: DeploymentDetail }) {
  const may = useMay('developer');
  const running = deployment.replica_states.filter(({ status }) => status === 'running');
  const [replica, setReplica] = useState(String(running[0]?.index ?? 0));
  const [command, setCommand] = useState('sh');
  const [session, setSession] = useState<{ readonly number: number; readonly url: string } | null>(null);

  if (!may) return <Empty title="Not as a viewer">A command in a container needs the role of a developer.</Empty>;
  if (running.length === 0 && session === null) {
    return <Empty title="Nothing runs">A terminal can be opened while a container runs.</Empty>;
  }
  const open = () => {
    const words = command.trim().split(/\s+/);
    const query = new URLSearchParams([
      ['replica', replica],
      ['tty', 'true'],
      ...words.map((word) => ['command', word]),
    ]);
    setSession({
      number: (session?.number ?? 0) + 1,
      url: `/api/v1/deployments/${deployment.id}/exec?${query.toString()}`,
    });
  };
  return (
    <Stack gap="sm">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          open();
        }}
      >
        <Group gap="sm" align="flex-end">
          {running.length > 1 && (
            <Select
              label="Replica"
              w={140}
              allowDeselect={false}
              value={replica}
              data={running.map(({ index }) => ({ value: String(index), label: `Replica ${index}` }))}
              onChange={(value) => setReplica(value ?? '0')}
            />
          )}
          <TextInput
            label="Command"
            value={command}
            onChange={({ currentTarget }) => setCommand(currentTarget.value)}
            required
          />
          <Button type="submit" leftSection={<IconTerminal2 size={16} />}>
            {session === null ? 'Open' : 'Open anew'}
          </Button>
        </Group>
      </form>
      {session === null ? (
        <Alert color="gray">
          <Text size="sm">
            The command runs in the container, with what the container may. That it was run is written down; what is
            typed is not.
          </Text>
        </Alert>
      ) : (
        <Suspense fallback={<PageLoading />}>
          <TerminalView key={session.number} url={session.url} />
        </Suspense>
      )}
    </Stack>
  );
}
