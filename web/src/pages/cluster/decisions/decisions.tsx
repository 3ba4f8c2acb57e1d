import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
export default function DecisionsTab({ cluster }: { readonly cluster: Cluster }) {
  return <>{cluster.name}</>;
}
