import { Paper, SimpleGrid, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { overviewQuery } from '../../api/overview-queries.ts';
import { Link } from '../../parts/link.tsx';
import { formatDuration } from '../../text/times.ts';

/** How many run and wait, how long they wait, and what became of those that ended. */
export function Numbers() {
  const { data } = useQuery(overviewQuery);
  if (data === undefined) return null;
  const { deployments, finished_24h: finished, waits_24h: waits, longest_waiting_s: longest } = data;
  const tiles = [
    {
      label: 'Running',
      value: deployments.running + deployments.starting + deployments.stopping,
      to: '/deployments?status=running,starting,stopping',
    },
    {
      label: 'Waiting',
      value: deployments.queued,
      about: longest === null ? 'nobody waits' : `the longest for ${formatDuration(longest)}`,
      to: '/deployments?status=queued',
    },
    { label: 'Succeeded', value: finished.succeeded, about: 'in 24 hours', to: '/deployments?status=succeeded' },
    { label: 'Failed', value: finished.failed, about: 'in 24 hours', to: '/deployments?status=failed' },
    {
      label: 'Usual wait',
      value: waits.median_s === null ? '–' : formatDuration(waits.median_s),
      about: waits.p90_s === null ? 'in 24 hours' : `9 of 10 within ${formatDuration(waits.p90_s)}`,
    },
  ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }}>
      {tiles.map(({ label, value, about, to }) => {
        const content = (
          <Paper withBorder p="md" h="100%">
            <Text size="sm" c="dimmed">
              {label}
            </Text>
            <Text fz={26} fw={700} lh={1.2}>
              {value}
            </Text>
            <Text size="xs" c="dimmed">
              {about}
            </Text>
          </Paper>
        );
        return to === undefined ? (
          <div key={label}>{content}</div>
        ) : (
          <UnstyledButton key={label} component={Link} to={to}>
            {content}
          </UnstyledButton>
        );
      })}
    </SimpleGrid>
  );
}
