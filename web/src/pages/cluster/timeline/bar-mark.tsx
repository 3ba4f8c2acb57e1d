import { useRouter } from '@tanstack/react-router';
import type { PointerEvent } from 'react';
import { colorOf } from '../../../parts/status-badge.tsx';
import type { Hinted } from './bar-hint.tsx';
import classes from './chart.module.css';
import type { Bar } from './rows.ts';

export const laneHeight = 18;
const barHeight = laneHeight - 3;
/** What took a moment is seen, too. */
const widthMin = 3;
/** In a bar that is narrower no name can be read. */
const nameWidthMin = 46;
const letterWidth = 5.6;

interface BarMarkProps {
  readonly bar: Bar;
  readonly xOf: (at: number) => number;
  readonly width: number;
  readonly now: number;
  readonly top: number;
  /** The pointer was moved since it went down: this is no click. */
  readonly wasDragged: () => boolean;
  readonly onHint: (hinted: Hinted | null) => void;
}

export function BarMark({ bar, xOf, width, now, top, wasDragged, onHint }: BarMarkProps) {
  const router = useRouter();
  const left = Math.max(-2, xOf(bar.from));
  const end = bar.to ?? (bar.kind === 'run' ? now : Number.POSITIVE_INFINITY);
  const right = Math.min(width + 2, xOf(end));
  const wide = Math.max(widthMin, right - left);
  const limit = bar.to === null && bar.expected !== null ? Math.min(width + 2, xOf(bar.expected)) : null;
  // Dark enough for white letters, in both schemes.
  const color = `var(--mantine-color-${colorOf(bar.status)}-9)`;
  const to = `/deployments/${bar.deploymentId}`;
  const whole = Math.max(wide, (limit ?? 0) - left);
  return (
    <a
      href={to}
      className={classes.bar}
      aria-label={`${bar.name}, ${bar.kind === 'run' ? bar.status : 'waits'}, ${bar.about}`}
      draggable={false}
      onClick={(event) => {
        if (!wasDragged() && (event.metaKey || event.ctrlKey || event.shiftKey)) return;
        event.preventDefault();
        if (!wasDragged()) router.history.push(to);
      }}
      onPointerMove={(event: PointerEvent) => onHint({ bar, x: event.clientX, y: event.clientY })}
      onPointerLeave={() => onHint(null)}
      onFocus={({ currentTarget }) => {
        const { left: x, bottom: y } = currentTarget.getBoundingClientRect();
        onHint({ bar, x, y });
      }}
      onBlur={() => onHint(null)}
    >
      {limit !== null && limit > right && (
        <rect x={right} y={top} width={limit - right} height={barHeight} fill={color} opacity={0.25} />
      )}
      <rect
        x={left}
        y={top}
        width={wide}
        height={barHeight}
        rx={3}
        fill={bar.kind === 'run' ? color : 'transparent'}
        {...(bar.kind === 'reservation' && { stroke: 'var(--mantine-color-indigo-6)', strokeDasharray: '4 3' })}
      />
      {whole >= nameWidthMin && (
        <text
          x={left + 5}
          y={top + 11}
          className={classes.barText}
          aria-hidden
          fill={bar.kind === 'run' && wide >= nameWidthMin ? 'var(--mantine-color-white)' : 'var(--mantine-color-text)'}
        >
          {shortened(bar.name, (bar.kind === 'run' && wide >= nameWidthMin ? wide : whole) - 8)}
        </text>
      )}
    </a>
  );
}

function shortened(name: string, room: number): string {
  const letters = Math.floor(room / letterWidth);
  return name.length <= letters ? name : `${name.slice(0, Math.max(1, letters - 1))}…`;
}
