import { Paper, Portal, Text } from '@mantine/core';
import { formatDuration, formatTime } from '../../../text/times.ts';
import type { Bar } from './rows.ts';

export interface Hinted {
  readonly bar: Bar;
  readonly x: number;
  readonly y: number;
}

const width = 260;

/** What a bar is, beside the pointer. */
export function BarHint({ hinted: { bar, x, y }, now }: { readonly hinted: Hinted; readonly now: number }) {
  return (
    <Portal>
      <Paper
        withBorder
        shadow="md"
        p="xs"
        pos="fixed"
        w={width}
        role="tooltip"
        style={{
          left: Math.max(8, Math.min(x + 12, window.innerWidth - width - 8)),
          top: y + 16,
          pointerEvents: 'none',
          zIndex: 'var(--mantine-z-index-popover)',
        }}
      >
        <Text size="sm" fw={600}>
          {bar.name}
        </Text>
        <Text size="xs">{timesInWords(bar, now)}</Text>
        <Text size="xs" c="dimmed">
          {bar.about}
        </Text>
      </Paper>
    </Portal>
  );
}

function timesInWords({ kind, status, from, to, expected }: Bar, now: number): string {
  if (kind === 'reservation') return `Starts by ${formatTime(from)}, in ${formatDuration((from - now) / 1000)}`;
  if (to !== null) return `${status}: ${formatTime(from)} to ${formatTime(to)}, ${formatDuration((to - from) / 1000)}`;
  const limit = expected === null ? '' : `; its limit ends it in ${formatDuration((expected - now) / 1000)}`;
  return `${status} for ${formatDuration((now - from) / 1000)}, since ${formatTime(from)}${limit}`;
}
