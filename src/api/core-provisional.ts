import type { Dimension, Node, Request, Wait } from '../core/model.ts';
export interface CapacityVerdict { dimension: Dimension; requested: number; most: number }
export function capacityVerdict(request: Request, nodes: readonly Node[]): CapacityVerdict | null {
  for (const dimension of ['ram', 'cpu', 'gpu'] as const) {
    const most = Math.max(...nodes.map((node) => node.total[dimension]));
    if (request.perReplica[dimension] > most) return { dimension, requested: request.perReplica[dimension], most };
  }
  return null;
}
export function explain(wait: Wait): string { return wait.reason; }
