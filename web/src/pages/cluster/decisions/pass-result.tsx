/** What one pass decided, or would. */
import { Anchor, Badge, Group, ScrollArea, Stack, Table, Text } from '@mantine/core';
import type { Decision, PassResult } from '../../../../../src/sdk/types.gen.ts';
import { Link } from '../../../parts/link.tsx';
import { formatDuration } from '../../../text/times.ts';
import { qualityInWords } from './quality.ts';
import { Receipt } from './receipt.tsx';

/** A pass may have thousands of decisions; the page lists so many. */
const listedMax = 200;

export function PassResultView({ result }: { readonly result: PassResult }) {
  const { decisions, dry_run: isDry } = result;
  const rest = result.queued - Math.min(decisions.length, listedMax);
  return (
    <Stack gap="md">
      <Counts result={result} />
      <Text size="sm">{qualityInWords(result)}</Text>
      {decisions.length === 0 ? (
        <Text size="sm" c="dimmed">
          {isDry ? 'Nothing waits: there is nothing to decide.' : 'Nothing waited: there was nothing to decide.'}
        </Text>
      ) : (
        <ScrollArea.Autosize mah="55vh" type="auto">
          <Table fz="sm" stickyHeader miw={560}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>#</Table.Th>
                <Table.Th>Deployment</Table.Th>
                <Table.Th>Priority</Table.Th>
                <Table.Th>Decision</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {decisions.slice(0, listedMax).map((decision) => (
                <Row key={decision.deployment_id} decision={decision} />
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea.Autosize>
      )}
      {rest > 0 && (
        <Text size="sm" c="dimmed">
          {rest} more are not listed.
        </Text>
      )}
    </Stack>
  );
}

function Counts({ result }: { readonly result: PassResult }) {
  const counts = [
    ['waiting before', result.queued],
    ['admitted', result.admitted],
    ['raised by age', result.promoted],
    ['stopping others', result.preempting],
    ['waiting after', result.waiting],
  ] as const;
  return (
    <Group gap="lg">
      {counts.map(([label, count]) => (
        <div key={label}>
          <Text fz={20} fw={700} lh={1.2}>
            {count}
          </Text>
          <Text size="xs" c="dimmed">
            {label}
          </Text>
        </div>
      ))}
      <Text size="xs" c="dimmed">
        in {formatDuration(result.duration_ms / 1000)}
      </Text>
    </Group>
  );
}

function Row({ decision }: { readonly decision: Decision }) {
  const { deployment_id: id, name, position, priority, effective_priority: effective } = decision;
  return (
    <Table.Tr>
      <Table.Td>{position}</Table.Td>
      <Table.Td>
        <Anchor component={Link} to={`/deployments/${id}`} inherit>
          {name}
        </Anchor>
      </Table.Td>
      <Table.Td>{effective === priority ? priority : `${effective} (${priority})`}</Table.Td>
      <Table.Td>
        <Verdict decision={decision} />
      </Table.Td>
    </Table.Tr>
  );
}

function Verdict({ decision }: { readonly decision: Decision }) {
  switch (decision.decision) {
    case 'place': {
      const nodes = [...new Set(decision.placements.map(({ node }) => node))];
      return (
        <Group gap={6}>
          <Badge color="teal">starts</Badge>
          on {nodes.join(', ')}
          {decision.promoted && <Badge color="gray">raised by age</Badge>}
          {decision.backfilled && <Badge color="gray">in a gap</Badge>}
        </Group>
      );
    }
    case 'preempt':
      return (
        <Stack gap={4}>
          <Group gap={6}>
            <Badge color="orange">others stop for it</Badge>
          </Group>
          <Receipt receipt={decision.receipt} />
        </Stack>
      );
    case 'wait':
      return (
        <Group gap={6} wrap="nowrap" align="flex-start">
          <Badge color="yellow" style={{ flexShrink: 0 }}>
            waits
          </Badge>
          {decision.message}
        </Group>
      );
  }
}
