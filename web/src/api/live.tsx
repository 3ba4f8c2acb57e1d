/** Keeps what is shown up to date: the event stream says what has changed, and what is shown of that is asked for again. */
import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import type { Event } from '../../../src/sdk/types.gen.ts';
import { createRefresher } from './refresher.ts';

export type LiveState = 'connecting' | 'live' | 'lost';

const LiveContext = createContext<LiveState>('connecting');
const ListenersContext = createContext<Set<(event: Event) => void>>(new Set());

/** Which answers an event makes old. */
export function keysOf(event: Pick<Event, 'type' | 'deployment_id' | 'cluster_id'>): QueryKey[] {
  const subject = event.type.split('.', 1)[0] ?? '';
  switch (subject) {
    case 'deployment':
    case 'replica':
      return [['deployments'], ['clusters'], ['events']];
    case 'cluster':
    case 'node':
    case 'maintenance':
    case 'engine':
      return [['clusters'], ['engines'], ['events']];
    case 'organization':
    case 'member':
      return [['me'], ['people'], ['events']];
    default:
      return [['people'], ['events']];
  }
}

export function LiveProvider({
  organizationId,
  children,
}: {
  readonly organizationId: string;
  readonly children: ReactNode;
}) {
  const queries = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  const listeners = useRef(new Set<(event: Event) => void>());

  useEffect(() => {
    const refresher = createRefresher(queries, { settleMs: 50, refreshMs: 1000 });
    const stream = openWhileVisible(() => {
      const source = new EventSource('/api/v1/events/stream?named=false');
      source.addEventListener('open', () => {
        setState('live');
        // Whatever happened while nobody listened.
        void queries.invalidateQueries();
      });
      source.addEventListener('error', () => setState('lost'));
      source.addEventListener('message', ({ data }: MessageEvent<string>) => {
        const event = JSON.parse(data) as Event;
        for (const listener of listeners.current) listener(event);
        refresher.note(keysOf(event));
      });
      return source;
    });
    return () => {
      stream.close();
      refresher.close();
    };
  }, [queries, organizationId]);

  const known = useMemo(() => listeners.current, []);
  return (
    <ListenersContext value={known}>
      <LiveContext value={state}>{children}</LiveContext>
    </ListenersContext>
  );
}

export const useLiveState = () => useContext(LiveContext);

/** Calls back for each event of the organization, while the page is open. */
export function useEvents(listener: (event: Event) => void): void {
  const listeners = useContext(ListenersContext);
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    const call = (event: Event) => latest.current(event);
    listeners.add(call);
    return () => void listeners.delete(call);
  }, [listeners]);
}

/**
 * A browser has six connections to a server, for all of its tabs, and each stream takes one: tabs that nobody looks at let go of theirs, and
 * catch up when somebody does.
 */
function openWhileVisible(open: () => EventSource): { close(): void } {
  let source: EventSource | null = null;
  const look = () => {
    if (document.visibilityState === 'visible') source ??= open();
    else {
      source?.close();
      source = null;
    }
  };
  look();
  document.addEventListener('visibilitychange', look);
  return {
    close() {
      document.removeEventListener('visibilitychange', look);
      source?.close();
    },
  };
}
