import { Anchor, Button, Stack, Text, Timeline, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { Event } from '../../../../src/sdk/types.gen.ts';
import { deploymentEventsQuery } from '../../api/queries.ts';
import { Link } from '../../parts/link.tsx';
import { PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { Time } from '../../parts/time.tsx';
import { titleOf, toneOf } from '../../text/events.ts';

/** The way to the pass of the scheduler that decided it. */
function DecidingPass({ event: { data, cluster_id: clusterId } }: { readonly event: Event }) {
  const { pass_id: passId } = data;
  if (typeof passId !== 'string' || clusterId === null) return null;
  return (
    <>
      {', '}
      <Anchor component={Link} inherit underline="always" to={`/clusters/${clusterId}?tab=decisions&pass=${passId}`}>
        the pass that decided it
      </Anchor>
    </>
  );
}

/** All that happened to it, decisions of the scheduler included, the latest first. */
export function History({ deploymentId }: { readonly deploymentId: string }) {
  const events = useInfiniteQuery(deploymentEventsQuery(deploymentId));
  const items = events.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack gap="sm">
      <Title order={2} size="h4">
        What happened
      </Title>
      {events.error !== null && <ProblemAlert error={events.error} onRetry={() => void events.refetch()} />}
      {events.isPending && <PageLoading />}
      <Timeline active={items.length} bulletSize={14} lineWidth={2}>
        {items.map((event) => (
          <Timeline.Item key={event.id} title={titleOf(event.type)} color={toneOf(event.type)}>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {event.message}
            </Text>
            <Text size="xs" c="dimmed">
              <Time at={event.created_at} />
              <DecidingPass event={event} />
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
      {events.hasNextPage && (
        <Button
          variant="default"
          size="xs"
          loading={events.isFetchingNextPage}
          onClick={() => void events.fetchNextPage()}
          style={{ alignSelf: 'flex-start' }}
        >
          Older
        </Button>
      )}
    </Stack>
  );
}
