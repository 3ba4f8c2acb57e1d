import { Page } from '../../parts/page.tsx';

export function ClusterPage() {
  return <Page title="Cluster">{null}</Page>;
}
