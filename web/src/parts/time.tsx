import { Text, Tooltip } from '@mantine/core';
import { useEffect, useState } from 'react';
import { formatAgo, formatDuration, formatFull, formatTime } from '../text/times.ts';

/** Milliseconds since 1970, renewed so often: what is told relative to now grows old. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** "5 min ago"; the whole time, with the zone of the reader, on hover or focus. */
export function Ago({ at }: { readonly at: string | null }) {
  const now = useNow(10_000);
  if (at === null)
    return (
      <Text span inherit c="dimmed">
        –
      </Text>
    );
  return (
    <Tooltip label={formatFull(at)}>
      <Text span inherit style={{ whiteSpace: 'nowrap' }}>
        <time dateTime={at}>{formatAgo(at, now)}</time>
      </Text>
    </Tooltip>
  );
}

export function Time({ at }: { readonly at: string | null }) {
  if (at === null)
    return (
      <Text span inherit c="dimmed">
        –
      </Text>
    );
  return (
    <Tooltip label={formatFull(at)}>
      <Text span inherit style={{ whiteSpace: 'nowrap' }}>
        <time dateTime={at}>{formatTime(at)}</time>
      </Text>
    </Tooltip>
  );
}

/** How long it took, or has taken until now. */
export function Took({ from, until }: { readonly from: string | null; readonly until: string | null }) {
  const now = useNow(1_000);
  if (from === null)
    return (
      <Text span inherit c="dimmed">
        –
      </Text>
    );
  const end = until === null ? now : new Date(until).getTime();
  return <>{formatDuration((end - new Date(from).getTime()) / 1000)}</>;
}
