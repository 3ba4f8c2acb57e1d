/** What the containers of each cluster use together, from two looks at each of them. */
import { coresBetween } from '../core/usage.ts';
import type { Usage } from '../runtimes/seeing-in.ts';
import type { ClusterUse } from '../store/cluster-history.ts';

/** A container as it was looked at, and how it was at the look before. */
export interface Look {
  readonly clusterId: string;
  readonly before: Usage | undefined;
  readonly now: Usage;
}

/** What is known in sum; null where nothing is known of any of them. */
export function useOf(looks: readonly Look[]): ClusterUse[] {
  const byCluster = new Map<string, ClusterUse>();
  for (const { clusterId, before, now } of looks) {
    const sum = byCluster.get(clusterId) ?? { clusterId, ram: null, cpu: null, gpu: null };
    byCluster.set(clusterId, {
      clusterId,
      ram: plus(sum.ram, now.ram),
      cpu: plus(sum.cpu, before === undefined ? null : coresBetween(before, now)),
      gpu: plus(sum.gpu, busyDevices(now)),
    });
  }
  return [...byCluster.values()];
}

/** In thousandths of a device. */
function busyDevices({ gpus }: Usage): number | null {
  return (gpus ?? []).reduce<number | null>(
    (sum, { busy }) => plus(sum, busy === null ? null : Math.round(busy * 1000)),
    null,
  );
}

function plus(sum: number | null, more: number | null): number | null {
  return more === null ? sum : (sum ?? 0) + more;
}
