/** What its containers use, next to what was asked for: now, and since the page is open. */

import { AreaChart } from '@mantine/charts';
import { Alert, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import '@mantine/charts/styles.css';
import { IconBulb } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { getStats } from '../../../../src/sdk/index.ts';
import type { DeploymentDetail, DeploymentStats } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { Empty, PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { UsageBar } from '../../parts/usage-bar.tsx';
import { formatNumber, formatRam } from '../../text/quantities.ts';
import { formatTime } from '../../text/times.ts';

const lookMs = 3000;
const pointsMax = 200;

interface Point {
  readonly at: string;
  readonly ram: number;
  readonly cpu: number;
}

export default function Usage({ deployment }: { readonly deployment: DeploymentDetail }) {
  const { id } = deployment;
  const stats = useQuery({
    queryKey: ['deployments', id, 'stats'],
    queryFn: ({ signal }) => ask(getStats({ path: { id }, signal })),
    refetchInterval: deployment.status === 'running' ? lookMs : false,
  });
  const points = usePoints(stats.data);
  if (stats.isPending) return <PageLoading />;
  if (stats.data === undefined) return <ProblemAlert error={stats.error} onRetry={() => void stats.refetch()} />;
  const { asked, replicas, hints } = stats.data;
  const seen = replicas.filter(({ used, peak_ram: peak }) => used !== null || peak !== null);
  if (seen.length === 0) {
    return (
      <Empty title="Nothing was measured">What a container uses is measured while it runs, every few seconds.</Empty>
    );
  }
  return (
    <Stack gap="lg">
      {hints.map((hint) => (
        <Alert key={hint} color="yellow" icon={<IconBulb />}>
          {hint}
        </Alert>
      ))}
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        {seen.map(({ replica, used, peak_ram: peak, cpu_seconds: cpuSeconds }) => (
          <Paper key={replica} withBorder p="md">
            <Stack gap="sm">
              <Text fw={600}>Replica {replica}</Text>
              <UsageBar label="Memory" used={used?.ram ?? 0} total={asked.ram} format={formatRam} />
              <UsageBar label="CPU" used={used?.cpu ?? 0} total={asked.cpu} />
              {used?.gpus?.map(({ index, busy, memory_gb: memory }) => (
                <Text key={index} size="sm">
                  GPU {index}: {busy === null ? 'unknown' : `${Math.round(busy * 100)} % busy`}
                  {memory !== null && `, ${formatRam(memory)}`}
                </Text>
              ))}
              <Text size="xs" c="dimmed">
                {peak !== null && `At most ${formatRam(peak)}. `}
                {cpuSeconds !== null && `${formatNumber(cpuSeconds)} s of CPU time.`}
              </Text>
            </Stack>
          </Paper>
        ))}
      </SimpleGrid>
      {points.length > 1 && <Charts points={points} />}
    </Stack>
  );
}

function Charts({ points }: { readonly points: readonly Point[] }) {
  const data = points.map((point) => ({ ...point, at: formatTime(point.at) }));
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Stack gap="xs">
        <Title order={2} size="h5">
          Memory of all replicas
        </Title>
        <AreaChart
          h={200}
          data={data}
          dataKey="at"
          series={[{ name: 'ram', label: 'Memory', color: 'indigo.6' }]}
          valueFormatter={formatRam}
          withDots={false}
        />
      </Stack>
      <Stack gap="xs">
        <Title order={2} size="h5">
          CPU of all replicas, in cores
        </Title>
        <AreaChart
          h={200}
          data={data}
          dataKey="at"
          series={[{ name: 'cpu', label: 'CPU', color: 'teal.6' }]}
          valueFormatter={formatNumber}
          withDots={false}
        />
      </Stack>
    </SimpleGrid>
  );
}

/** What was seen while the page is open. */
function usePoints(stats: DeploymentStats | undefined): readonly Point[] {
  const [points, setPoints] = useState<readonly Point[]>([]);
  useEffect(() => {
    if (stats === undefined) return;
    const used = stats.replicas.flatMap((replica) => replica.used ?? []);
    if (used.length === 0) return;
    const ram = used.reduce((sum, one) => sum + one.ram, 0);
    const cpu = used.reduce((sum, one) => sum + (one.cpu ?? 0), 0);
    setPoints((before) => [...before, { at: stats.at, ram, cpu }].slice(-pointsMax));
  }, [stats]);
  return points;
}
