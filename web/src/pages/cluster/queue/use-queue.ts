import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { type QueueFilter, queueQuery } from '../../../api/cluster-queries.ts';
import { useEvents } from '../../../api/live.tsx';
import { createRefresher } from '../../../api/refresher.ts';

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
  const refresher = useMemo(() => createRefresher(queries, { settleMs: refreshMs, refreshMs }), [queries]);
  useEffect(() => () => refresher.close(), [refresher]);

  useEvents((event) => {
    if (event.cluster_id !== clusterId) return;
    if (latest.current > livePagesMax) {
      setOld(true);
      return;
    }
    refresher.note([['queue', clusterId]]);
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
