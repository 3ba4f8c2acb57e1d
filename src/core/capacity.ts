/** Could an empty cluster ever hold a request? If not, it is refused at submission, in words that name the dimension. */
import { type Node, type Request, wholeDevice } from './model.ts';
import { Room } from './room.ts';
import { type Shape, shapeOf } from './shape.ts';

type OfOneReplica = 'ram' | 'cpu' | 'gpu' | 'gpu_models' | 'gpu_memory';

/** What an empty cluster lacks. */
export interface CapacityShortfall {
  /** `node_labels`: no node has them all. `max_per_node`: the replicas would fit, but not so few on a node. */
  readonly dimension: OfOneReplica | 'node_labels' | 'replicas' | 'max_per_node';
  /** Thousandths for one replica (of `gpu_memory`, for each device); a number of replicas, or of nodes, for the others. */
  readonly requested: number;
  /** The most there is, in the same unit: on one node for one replica, in the whole cluster for the others. */
  readonly most: number;
}

/** Null where an empty cluster of these nodes holds the request. Cordoned nodes count: they come back. */
export function capacityVerdict(request: Request, nodes: readonly Node[]): CapacityShortfall | null {
  const shape = shapeOf(request);
  const { replicas } = shape;
  const room = new Room(nodes, 'emptied and opened');
  const most = room.capacity(shape, 'free', replicas);
  if (most === 0) return shortfallOfOne(shape, nodes);
  if (most < replicas) return { dimension: 'replicas', requested: replicas, most };
  const apart = room.nodes
    .map((_, node) => room.capacityOn(node, shape, 'free', Math.min(replicas, shape.maxPerNode)))
    .reduce((sum, one) => sum + one, 0);
  return apart >= replicas ? null : { dimension: 'max_per_node', requested: replicas, most: apart };
}

/** Why no node can hold one replica. */
function shortfallOfOne(shape: Shape, all: readonly Node[]): CapacityShortfall {
  const nodes = all.filter((node) => hasLabels(node, shape));
  if (nodes.length === 0 && all.length > 0) return { dimension: 'node_labels', requested: 1, most: 0 };
  const most = (dimension: OfOneReplica, among: readonly Node[]) =>
    among.reduce((largest, node) => Math.max(largest, has(node, dimension, shape)), 0);
  for (const dimension of ['ram', 'cpu', 'gpu', 'gpu_models', 'gpu_memory'] as const) {
    const there = most(dimension, nodes);
    if (there < needs(shape, dimension)) return { dimension, requested: needs(shape, dimension), most: there };
  }
  // Each dimension is there somewhere, but not all on one node: name one of which nodes that have all others have too little.
  const dimensions = ['ram', 'cpu', gpuDimension(shape)] as const;
  for (const dimension of dimensions) {
    const others = dimensions.filter((other) => other !== dimension);
    const among = nodes.filter((node) => others.every((other) => has(node, other, shape) >= needs(shape, other)));
    if (among.length > 0) return { dimension, requested: needs(shape, dimension), most: most(dimension, among) };
  }
  const withRam = nodes.filter((node) => node.total.ram >= shape.ram);
  const dimension = withRam.some((node) => node.total.cpu >= shape.cpu) ? dimensions[2] : 'cpu';
  return { dimension, requested: needs(shape, dimension), most: most(dimension, withRam) };
}

function hasLabels({ labels }: Node, shape: Shape): boolean {
  return shape.labels === null || shape.labels.every(([name, value]) => labels?.[name] === value);
}

/** The narrowest of those that say something about devices: whoever has enough by it has enough by the others. */
function gpuDimension(shape: Shape): 'gpu' | 'gpu_models' | 'gpu_memory' {
  if (shape.gpuMemory > 0) return 'gpu_memory';
  return shape.models === null ? 'gpu' : 'gpu_models';
}

function needs(shape: Shape, dimension: OfOneReplica): number {
  if (dimension === 'gpu_memory') return shape.gpuMemory;
  return dimension === 'gpu_models' ? shape.gpu : shape[dimension];
}

function has(node: Node, dimension: OfOneReplica, shape: Shape): number {
  if (dimension === 'ram' || dimension === 'cpu') return node.total[dimension];
  const { models } = shape;
  const suitable = node.devices.filter((device) => dimension === 'gpu' || models === null || models.has(device.model));
  if (dimension !== 'gpu_memory') return suitable.length * wholeDevice;
  // Of as many devices as it takes, the one with the least memory.
  const memories = suitable.map(({ memory = 0 }) => memory).toSorted((a, b) => b - a);
  return memories[Math.max(1, shape.wholeDevices) - 1] ?? 0;
}
