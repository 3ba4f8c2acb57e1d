import { Alert, Anchor, Badge, Drawer, Group, Stack, Table, Text, Title } from '@mantine/core';
import type { Maintenance, Node } from '../../../../../src/sdk/types.gen.ts';
import { Link } from '../../../parts/link.tsx';
import { StatusBadge } from '../../../parts/status-badge.tsx';
import { Ago, Time } from '../../../parts/time.tsx';
import { AmountBars } from '../../../parts/usage-bar.tsx';
import { formatAmounts } from '../../../text/quantities.ts';
import { GpuDevices } from './gpu-devices.tsx';
import { NodeActions } from './node-actions.tsx';
import { statusColor } from './node-card.tsx';

interface NodeDrawerProps {
  readonly node: Node | undefined;
  readonly windows: readonly Maintenance[];
  readonly onClose: () => void;
}

/** All of one node: who is on it, and what can be done with it. */
export function NodeDrawer({ node, windows, onClose }: NodeDrawerProps) {
  return (
    <Drawer
      opened={node !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={
        <Group gap="sm">
          <Text fw={600} fz="lg">
            {node?.name}
          </Text>
          {node !== undefined && <Badge color={statusColor(node.status)}>{node.status}</Badge>}
        </Group>
      }
    >
      {node !== undefined && <Content node={node} windows={windows} onClose={onClose} />}
    </Drawer>
  );
}

function Content({ node, windows, onClose }: NodeDrawerProps & { readonly node: Node }) {
  const mine = windows.filter(({ node_id: of }) => of === null || of === node.id);
  return (
    <Stack gap="lg">
      {node.message !== null && <Alert color="red">{node.message}</Alert>}
      {node.warnings.map((warning) => (
        <Alert key={warning} color="orange">
          {warning}
        </Alert>
      ))}
      {node.drain !== null && <DrainAlert drain={node.drain} />}
      {mine.map(({ id, starts_at: starts, ends_at: ends, reason, status }) => (
        <Alert key={id} color={status === 'active' ? 'orange' : 'blue'}>
          {status === 'active' ? 'In maintenance' : 'Maintenance'} from <Time at={starts} /> to <Time at={ends} />
          {reason === '' ? '.' : `: ${reason}`}
        </Alert>
      ))}
      <NodeActions node={node} onGone={onClose} />
      <AmountBars used={node.resources.allocated} total={node.resources.total} />
      {node.gpus.length > 0 && <GpuDevices gpus={node.gpus} allocations={node.allocations ?? []} />}
      <Holders node={node} />
      <Facts node={node} />
    </Stack>
  );
}

function DrainAlert({ drain }: { readonly drain: NonNullable<Node['drain']> }) {
  return (
    <Alert color="orange" title={drain.drained_at === null ? 'It is being drained' : 'It is drained'}>
      {drain.drained_at === null ? `${drain.left.length} still there.` : 'Nothing is left on it.'}{' '}
      {drain.drained_at === null && drain.deadline !== null && (
        <>
          Jobs that have not finished are stopped and queued again at <Time at={drain.deadline} />.
        </>
      )}
    </Alert>
  );
}

function Holders({ node: { allocations = [] } }: { readonly node: Node }) {
  if (allocations.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        Nothing runs here.
      </Text>
    );
  }
  return (
    <Stack gap="xs">
      <Title order={2} size="h5">
        On it
      </Title>
      <Table.ScrollContainer minWidth={420}>
        <Table fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Deployment</Table.Th>
              <Table.Th>Status</Table.Th>
              <Table.Th>Holds</Table.Th>
              <Table.Th>Since</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {allocations.map((one) => (
              <Table.Tr key={`${one.deployment_id} ${one.replica} ${one.since}`}>
                <Table.Td>
                  <Anchor component={Link} to={`/deployments/${one.deployment_id}`} inherit>
                    {one.name}
                  </Anchor>
                  {one.replica > 0 && ` (replica ${one.replica})`}
                </Table.Td>
                <Table.Td>
                  <StatusBadge status={one.status} />
                </Table.Td>
                <Table.Td>{formatAmounts(one)}</Table.Td>
                <Table.Td>
                  <Ago at={one.since} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}

function Facts({ node: { labels, engine, gpus, created_at: created } }: { readonly node: Node }) {
  return (
    <Stack gap={6}>
      <Group gap={6}>
        {Object.entries(labels).map(([key, value]) => (
          <Badge key={key} color="gray">
            {key}={value}
          </Badge>
        ))}
      </Group>
      <Text size="sm" c="dimmed">
        {engine === null ? "On the installation's own engine" : `On the engine ${engine.name} (${engine.address})`}
        {gpus.length > 0 && `, with ${gpus.length} × ${gpus[0]?.model}`}; added <Ago at={created} />.
      </Text>
    </Stack>
  );
}
