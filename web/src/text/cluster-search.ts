import { oneOf, textsOf } from './search.ts';

export const clusterTabs = ['map', 'queue', 'timeline', 'decisions', 'policy'] as const;

export const historyRanges = ['1h', '6h', '24h', '7d'] as const;
export type HistoryRange = (typeof historyRanges)[number];

const timelineRows = ['nodes', 'deployments'] as const;

const texts = textsOf('node', 'user', 'name', 'pass', 'until');

/** What the page of a cluster shows: which tab, and what of it. */
export type ClusterSearch = ReturnType<typeof texts> & {
  readonly tab?: (typeof clusterTabs)[number] | undefined;
  /** How far back the use of the cluster is drawn. */
  readonly range?: HistoryRange | undefined;
  readonly rows?: (typeof timelineRows)[number] | undefined;
  /** Seconds that the timeline shows. */
  readonly span?: number | undefined;
};

export function validateClusterSearch(search: Record<string, unknown>): ClusterSearch {
  const tab = oneOf(search['tab'], clusterTabs);
  const range = oneOf(search['range'], historyRanges);
  const rows = oneOf(search['rows'], timelineRows);
  const span = Number(search['span']);
  return {
    ...texts(search),
    ...(tab !== undefined && { tab }),
    ...(range !== undefined && { range }),
    ...(rows !== undefined && { rows }),
    ...(span > 0 && Number.isFinite(span) && { span }),
  };
}
