import classes from './chart.module.css';
import { type TimeWindow, ticksOf } from './window.ts';

const height = 26;
const tickWidth = 84;
const day = 24 * 3_600_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const fineClock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const date = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** Times along the top, in the reader's zone. */
export function Axis({
  shown,
  width,
  now,
}: {
  readonly shown: TimeWindow;
  readonly width: number;
  readonly now: number;
}) {
  const { from, to } = shown;
  const offset = -new Date(from).getTimezoneOffset() * 60_000;
  const ticks = ticksOf(shown, Math.max(1, Math.floor(width / tickWidth)), offset);
  const step = (ticks[1] ?? to) - (ticks[0] ?? from);
  const xOf = (at: number) => ((at - from) / (to - from)) * width;
  return (
    <svg width={width} height={height} aria-hidden style={{ display: 'block' }}>
      {ticks.map((at) => (
        <g key={at}>
          <line x1={xOf(at)} x2={xOf(at)} y1={18} y2={height} className={classes.tick} />
          <text x={xOf(at) + 3} y={15} className={classes.tickText}>
            {labelOf(at, step)}
          </text>
        </g>
      ))}
      <line x1={xOf(now)} x2={xOf(now)} y1={0} y2={height} className={classes.now} />
    </svg>
  );
}

function labelOf(at: number, step: number): string {
  const isMidnight = new Date(at).getHours() === 0 && new Date(at).getMinutes() === 0;
  if (step >= day || isMidnight) return date.format(at);
  return step < 60_000 ? fineClock.format(at) : clock.format(at);
}
