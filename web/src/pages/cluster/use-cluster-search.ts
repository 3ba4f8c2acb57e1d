import { useNavigate, useSearch } from '@tanstack/react-router';
import type { ClusterSearch } from '../../text/cluster-search.ts';

/** What the address says is shown, and a way to change some of it. */
export function useClusterSearch(clusterId: string): readonly [ClusterSearch, (changed: ClusterSearch) => void] {
  const search = useSearch({ from: '/app/clusters/$clusterId' });
  const navigate = useNavigate();
  const change = (changed: ClusterSearch) =>
    void navigate({
      to: '/clusters/$clusterId',
      params: { clusterId },
      search: { ...search, ...changed },
      replace: true,
      resetScroll: false,
    });
  return [search, change];
}
