import { Sparkline } from '@mantine/charts';
import '@mantine/charts/styles.css';
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { historyQuery } from '../../api/overview-queries.ts';
import { percentOf } from '../../text/quantities.ts';

/** How full a cluster was in the last six hours, in its scarcest dimension. */
export default function ClusterSparkline({
  clusterId,
  height,
}: {
  readonly clusterId: string;
  readonly height: number;
}) {
  const { data } = useQuery(historyQuery(clusterId, 6));
  const shares = (data?.items ?? []).map(({ total, allocated }) =>
    Math.max(
      percentOf(allocated.ram, total.ram),
      percentOf(allocated.cpu, total.cpu),
      percentOf(allocated.gpu, total.gpu),
    ),
  );
  if (shares.length < 2) return <div style={{ height }} />;
  return (
    <div>
      <Sparkline data={shares} h={height - 18} color="indigo" fillOpacity={0.25} aria-hidden />
      <Text size="xs" c="dimmed">
        Allocated in the last 6 hours: {Math.round(Math.min(...shares))} to {Math.round(Math.max(...shares))} %
      </Text>
    </div>
  );
}
