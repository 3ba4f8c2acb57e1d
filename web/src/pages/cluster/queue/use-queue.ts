import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { type QueueFilter, queueQuery } from '../../../api/cluster-queries.ts';
import { useEvents } from '../../../api/live.tsx';

/** Who has scrolled further than so many pages is not moved about by what changes above: it is said that something has. */
const livePagesMax = 2;
const refreshMs = 2000;

/** The queue as far as one has scrolled, and whether it has changed since. */
export function useQueue(clusterId: string, filter: QueueFilter) {
  const queries = useQueryClient();
  const options = queueQuery(clusterId, filter);
  const list = useInfiniteQuery(options);
  const [isOld, setOld] = useState(false);
  const pages = list.data?.pages.length ?? 0;
  const latest = useRef(pages);
  latest.current = pages;
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => () => clearTimeout(timer.current ?? undefined), []);

  useEvents((event) => {
    if (event.cluster_id !== clusterId) return;
    if (latest.current > livePagesMax) {
      setOld(true);
      return;
    }
    timer.current ??= setTimeout(() => {
      timer.current = null;
      void queries.invalidateQueries({ queryKey: ['queue', clusterId] }, { cancelRefetch: false });
    }, refreshMs);
  });

  /** From its beginning, as it is now. */
  const refresh = async () => {
    setOld(false);
    queries.setQueryData(options.queryKey, (known) =>
      known === undefined ? known : { pages: known.pages.slice(0, 1), pageParams: known.pageParams.slice(0, 1) },
    );
    await queries.invalidateQueries({ queryKey: ['queue', clusterId] });
  };
  return { list, isOld, refresh };
}
