/** Could an empty cluster ever hold a request? If not, it is refused at submission, in words that name the dimension. */
import { type Node, type Request, wholeDevice } from './model.ts';
import { Room } from './room.ts';
import { type Shape, shapeOf } from './shape.ts';

type OfOneReplica = 'ram' | 'cpu' | 'gpu' | 'gpu_models';

/** What an empty cluster lacks. */
export interface CapacityShortfall {
  readonly dimension: OfOneReplica | 'replicas';
  /** Thousandths for one replica; a number of replicas for `replicas`. */
  readonly requested: number;
  /** The most there is, in the same unit: on one node for one replica, in the whole cluster for `replicas`. */
  readonly most: number;
}

/** Null where an empty cluster of these nodes holds the request. Cordoned nodes count: they come back. */
export function capacityVerdict(request: Request, nodes: readonly Node[]): CapacityShortfall | null {
  const shape = shapeOf(request);
  const most = new Room(nodes, 'emptied and opened').capacity(shape, 'free', request.replicas);
  if (most >= request.replicas) return null;
  if (most > 0) return { dimension: 'replicas', requested: request.replicas, most };
  return shortfallOfOne(shape, nodes);
}

/** Why no node can hold one replica. */
function shortfallOfOne(shape: Shape, nodes: readonly Node[]): CapacityShortfall {
  const most = (dimension: OfOneReplica, among: readonly Node[]) =>
    among.reduce((largest, node) => Math.max(largest, has(node, dimension, shape)), 0);
  for (const dimension of ['ram', 'cpu', 'gpu', 'gpu_models'] as const) {
    const there = most(dimension, nodes);
    if (there < needs(shape, dimension)) return { dimension, requested: needs(shape, dimension), most: there };
  }
  // Each dimension is there somewhere, but not all on one node: name one of which nodes that have all others have too little.
  const dimensions = ['ram', 'cpu', shape.models === null ? 'gpu' : 'gpu_models'] as const;
  for (const dimension of dimensions) {
    const others = dimensions.filter((other) => other !== dimension);
    const among = nodes.filter((node) => others.every((other) => has(node, other, shape) >= needs(shape, other)));
    if (among.length > 0) return { dimension, requested: needs(shape, dimension), most: most(dimension, among) };
  }
  const withRam = nodes.filter((node) => node.total.ram >= shape.ram);
  const dimension = withRam.some((node) => node.total.cpu >= shape.cpu) ? dimensions[2] : 'cpu';
  return { dimension, requested: needs(shape, dimension), most: most(dimension, withRam) };
}

function needs(shape: Shape, dimension: OfOneReplica): number {
  return dimension === 'gpu_models' ? shape.gpu : shape[dimension];
}

function has(node: Node, dimension: OfOneReplica, shape: Shape): number {
  if (dimension === 'ram' || dimension === 'cpu') return node.total[dimension];
  const { models } = shape;
  const suitable = node.devices.filter((device) => dimension === 'gpu' || models === null || models.has(device.model));
  return suitable.length * wholeDevice;
}
