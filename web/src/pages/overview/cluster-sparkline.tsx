import { AreaChart } from '@mantine/charts';
import '@mantine/charts/styles.css';
import { Text } from '@mantine/core';
import type { ClusterSample } from '../../../../src/sdk/types.gen.ts';
import { rangeInWords, type Shares, scarcestShares } from './shares.ts';

interface ClusterSparklineProps {
  readonly samples: readonly ClusterSample[];
  readonly hours: number;
  readonly height: number;
}

/** How full a cluster was in the last hours, in its scarcest dimension, and how much of that was used. */
export default function ClusterSparkline({ samples, hours, height }: ClusterSparklineProps) {
  if (samples.length < 2) return <div style={{ height }} />;
  const shares: Shares[] = samples.map(scarcestShares);
  return (
    <div>
      <AreaChart
        h={height - 18}
        data={shares.map((share, index) => ({ at: samples[index]?.at, ...share }))}
        dataKey="at"
        series={[
          { name: 'allocated', color: 'indigo.6' },
          { name: 'used', color: 'teal.6' },
        ]}
        yAxisProps={{ domain: [0, 100] }}
        withXAxis={false}
        withYAxis={false}
        withTooltip={false}
        withDots={false}
        gridAxis="none"
        curveType="linear"
        // Unknown use is a gap in the line.
        connectNulls={false}
        // The sentence below says it to those who do not see it: nothing in it may take the focus.
        accessibilityLayer={false}
        aria-hidden
      />
      <Text size="xs" c="dimmed">
        Last {hours} hours: {rangeInWords(shares)}
      </Text>
    </div>
  );
}
