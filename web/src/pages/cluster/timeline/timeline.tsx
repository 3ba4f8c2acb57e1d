import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
export default function TimelineTab({ cluster }: { readonly cluster: Cluster }) {
  return <>{cluster.name}</>;
}
