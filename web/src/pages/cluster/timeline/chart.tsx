import { Box, Paper, Text } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { Link } from '../../../parts/link.tsx';
import { Axis } from './axis.tsx';
import { BarHint, type Hinted } from './bar-hint.tsx';
import { BarMark, laneHeight } from './bar-mark.tsx';
import classes from './chart.module.css';
import type { Row } from './rows.ts';
import { useTimeControl } from './use-time-control.ts';
import type { TimeWindow } from './window.ts';

const rowPadding = 8;

interface ChartProps {
  readonly rows: readonly Row[];
  readonly shown: TimeWindow;
  readonly now: number;
  readonly onShow: (shown: TimeWindow) => void;
  readonly onNow: () => void;
}

/** Rows of bars along the time; of all rows only those in sight are in the page, and of all bars those in the window. */
export function Chart({ rows, shown, now, onShow, onNow }: ChartProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { ref: plot, width: measured } = useElementSize<HTMLDivElement>();
  const width = Math.max(1, measured);
  const control = useTimeControl(scroller, { shown, width, onShow, onNow });
  const [hinted, setHinted] = useState<Hinted | null>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (rows[index]?.lanes ?? 1) * laneHeight + rowPadding,
    overscan: 6,
  });
  // Heights follow the rows.
  useEffect(() => virtualizer.measure(), [rows, virtualizer]);
  const { from, to } = control.shown;
  const xOf = (at: number) => ((at - from) / (to - from)) * width;
  return (
    <Paper
      withBorder
      ref={scroller}
      className={classes.scroller}
      tabIndex={0}
      role="region"
      aria-label="Timeline: arrow keys move in time, plus and minus zoom, N returns to now"
      onKeyDown={control.onKeyDown}
      onPointerDown={control.onPointerDown}
      onPointerLeave={() => setHinted(null)}
    >
      <div className={classes.head}>
        <div className={classes.label} />
        <div ref={plot} className={classes.plot}>
          <Axis shown={control.shown} width={width} now={now} />
        </div>
      </div>
      <Box pos="relative" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          return (
            <div key={row.id} className={classes.row} style={{ top: item.start, height: item.size }}>
              <div className={classes.label}>
                {row.deploymentId === null ? (
                  <Text size="xs" truncate>
                    {row.label}
                  </Text>
                ) : (
                  <Text size="xs" truncate component={Link} to={`/deployments/${row.deploymentId}`} c="inherit">
                    {row.label}
                  </Text>
                )}
              </div>
              <svg className={classes.plot} height={item.size} width={width} role="presentation">
                <line x1={xOf(now)} x2={xOf(now)} y1={0} y2={item.size} className={classes.now} />
                {row.bars
                  .filter((bar) => bar.from <= to && (bar.to ?? Number.POSITIVE_INFINITY) >= from)
                  .map((bar) => (
                    <BarMark
                      key={bar.key}
                      bar={bar}
                      xOf={xOf}
                      width={width}
                      now={now}
                      top={rowPadding / 2 + bar.lane * laneHeight}
                      wasDragged={control.wasDragged}
                      onHint={setHinted}
                    />
                  ))}
              </svg>
            </div>
          );
        })}
      </Box>
      {hinted !== null && <BarHint hinted={hinted} now={now} />}
    </Paper>
  );
}
