/** How full the cluster was: what was allocated, what of it was used, how many waited. */
import { AreaChart, LineChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import { Group, SegmentedControl, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ClusterSample } from '../../../../../src/sdk/types.gen.ts';
import { historyQuery } from '../../../api/overview-queries.ts';
import { type HistoryRange, historyRanges } from '../../../text/cluster-search.ts';
import { formatNumber, percentOf } from '../../../text/quantities.ts';
import { formatTime } from '../../../text/times.ts';

const hoursOf: Readonly<Record<HistoryRange, number>> = { '1h': 1, '6h': 6, '24h': 24, '7d': 168 };

interface UtilizationProps {
  readonly clusterId: string;
  readonly range: HistoryRange;
  readonly onRange: (range: HistoryRange) => void;
}

export default function Utilization({ clusterId, range, onRange }: UtilizationProps) {
  const { data } = useQuery(historyQuery(clusterId, hoursOf[range]));
  if (data === undefined) return null;
  const samples = data.items;
  const hasGpus = samples.some(({ total }) => total.gpu > 0);
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} size="h4">
          Use over time
        </Title>
        <SegmentedControl
          size="xs"
          aria-label="How far back"
          data={historyRanges.map((value) => ({ value, label: value }))}
          value={range}
          onChange={(value) => onRange(value)}
        />
      </Group>
      {samples.length < 2 ? (
        <Text size="sm" c="dimmed">
          There is too little to draw yet: a sample is taken every 15 seconds.
        </Text>
      ) : (
        <SimpleGrid cols={{ base: 1, md: 2 }}>
          <Shares title="Memory" samples={samples} of="ram" />
          <Shares title="CPU" samples={samples} of="cpu" />
          {hasGpus && <Shares title="GPU" samples={samples} of="gpu" />}
          <Counts samples={samples} />
        </SimpleGrid>
      )}
    </Stack>
  );
}

function shareOf(part: number | null, whole: number): number | null {
  return part === null ? null : percentOf(part, whole);
}

interface SharesProps {
  readonly title: string;
  readonly samples: readonly ClusterSample[];
  readonly of: 'ram' | 'cpu' | 'gpu';
}

function Shares({ title, samples, of }: SharesProps) {
  const data = samples.map(({ at, total, allocated, used }) => ({
    at: formatTime(at),
    allocated: percentOf(allocated[of], total[of]),
    // Unknown where nothing that runs could be asked: a gap in the line, and no zero.
    used: shareOf(used[of], total[of]),
  }));
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        {title}, in percent of all
      </Text>
      <AreaChart
        h={160}
        data={data}
        dataKey="at"
        withDots={false}
        curveType="stepAfter"
        yAxisProps={{ domain: [0, 100], width: 48 }}
        // The hint of a gap in the line gives no number.
        valueFormatter={(value) => (Number.isFinite(value) ? `${Math.round(value)}\u00a0%` : 'not known')}
        series={[
          { name: 'allocated', label: 'Allocated', color: 'indigo.6' },
          { name: 'used', label: 'Used', color: 'teal.6' },
        ]}
      />
    </Stack>
  );
}

function Counts({ samples }: { readonly samples: readonly ClusterSample[] }) {
  const data = samples.map(({ at, queued, running }) => ({ at: formatTime(at), queued, running }));
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        Deployments
      </Text>
      <LineChart
        h={160}
        data={data}
        dataKey="at"
        withDots={false}
        curveType="stepAfter"
        yAxisProps={{ width: 36 }}
        valueFormatter={formatNumber}
        series={[
          { name: 'running', label: 'Running', color: 'blue.6' },
          { name: 'queued', label: 'Waiting', color: 'yellow.6' },
        ]}
      />
    </Stack>
  );
}
