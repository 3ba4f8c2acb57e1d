import { Anchor, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { latestQuery } from '../../api/overview-queries.ts';
import { Link } from '../../parts/link.tsx';
import { ProblemAlert } from '../../parts/page-states.tsx';
import { StatusBadge } from '../../parts/status-badge.tsx';
import { Ago } from '../../parts/time.tsx';

/** What runs, what waits and what failed: the latest of each, a click from the whole list. */
export function Recent() {
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }}>
      <Latest title="Running" status="running" nothing="Nothing runs." />
      <Latest title="Waiting" status="queued" nothing="Nothing waits." />
      <Latest title="Failed" status="failed" nothing="Nothing has failed." />
    </SimpleGrid>
  );
}

interface LatestProps {
  readonly title: string;
  readonly status: string;
  readonly nothing: string;
}

function Latest({ title, status, nothing }: LatestProps) {
  const { data, error } = useQuery(latestQuery(status));
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Stack gap="xs">
        <Group justify="space-between">
          <Title order={2} size="h5">
            {title}
          </Title>
          <Anchor component={Link} to={`/deployments?status=${status}`} size="sm" aria-label={`All: ${title}`}>
            All
          </Anchor>
        </Group>
        {error !== null && data === undefined && <ProblemAlert error={error} />}
        {data?.items.length === 0 && (
          <Text size="sm" c="dimmed">
            {nothing}
          </Text>
        )}
        {data?.items.map((one) => (
          <Stack key={one.id} gap={0}>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Anchor component={Link} to={`/deployments/${one.id}`} size="sm" fw={500} truncate>
                {one.name}
              </Anchor>
              <StatusBadge status={one.status} />
            </Group>
            <Group justify="space-between" wrap="nowrap" gap="xs">
              <Text size="xs" c="dimmed" truncate>
                {one.reason ?? one.docker_image}
              </Text>
              <Text size="xs" c="dimmed">
                <Ago at={one.finished_at ?? one.started_at ?? one.queued_at} />
              </Text>
            </Group>
          </Stack>
        ))}
      </Stack>
    </Paper>
  );
}
