import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
export default function PolicyTab({ cluster }: { readonly cluster: Cluster }) {
  return <>{cluster.name}</>;
}
