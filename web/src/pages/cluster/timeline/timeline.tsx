/** What ran, runs and is to run, on which node and when. */
import { Alert, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useMemo } from 'react';
import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
import { timelineQuery } from '../../../api/cluster-queries.ts';
import { Empty, PageLoading, ProblemAlert } from '../../../parts/page-states.tsx';
import { useNow } from '../../../parts/time.tsx';
import { useClusterSearch } from '../use-cluster-search.ts';
import { Chart } from './chart.tsx';
import { Controls } from './controls.tsx';
import { rowsOf } from './rows.ts';
import { clampSpan, defaultSpan, fetchedFor, type TimeWindow, windowOf } from './window.ts';

const moveMs = 2000;

export default function TimelineTab({ cluster }: { readonly cluster: Cluster }) {
  const [{ rows: by = 'nodes', span = defaultSpan, until }, change] = useClusterSearch(cluster.id);
  const now = useNow(moveMs);
  const shown = windowOf(span, until, now);
  const fetched = fetchedFor(shown);
  const found = useQuery(timelineQuery(cluster.id, fetched.from, fetched.to));
  const timeline = useDeferredValue(found.data);
  const rows = useMemo(() => (timeline === undefined ? [] : rowsOf(timeline, by)), [timeline, by]);
  const show = ({ from, to }: TimeWindow) =>
    change({ span: clampSpan((to - from) / 1000), until: new Date(to).toISOString() });
  const zoomTo = (seconds: number) => change({ span: seconds });
  const toNow = () => change({ until: undefined });
  return (
    <Stack gap="md">
      <Controls
        by={by}
        shown={shown}
        isNow={until === undefined}
        onBy={(rowsBy) => change({ rows: rowsBy })}
        onSpan={zoomTo}
        onShow={show}
        onNow={toNow}
      />
      {found.error !== null && <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <PageLoading />}
      {timeline?.truncated === true && (
        <Alert color="yellow">More ran in this time than is drawn. A shorter time shows all of it.</Alert>
      )}
      {timeline !== undefined && rows.length === 0 && (
        <Empty title="Nothing ran in this time">Another time may have more, or a longer one.</Empty>
      )}
      {rows.length > 0 && <Chart rows={rows} shown={shown} now={now} onShow={show} onNow={toNow} />}
      <Text size="sm" c="dimmed">
        Drag, or use the arrow keys, to move in time; + and − to zoom, or the wheel with Ctrl; N to return to now. What
        is lighter is time that a limit still allows; what is dashed is room that is kept.
      </Text>
    </Stack>
  );
}
