import { Page } from '../../parts/page.tsx';

export function ClustersPage() {
  return <Page title="Clusters">{null}</Page>;
}
