/** Could an empty cluster ever hold a request? If not, it is refused at submission, in words that name the dimension. */
import { compareIds } from './ids.ts';
import { type Node, type Request, wholeDevice } from './model.ts';
import { machineOf } from './ports.ts';
import { Room } from './room.ts';
import { hasLabels, type Shape, shapeOf } from './shape.ts';

type OfOneReplica = 'ram' | 'cpu' | 'gpu' | 'gpu_models' | 'gpu_memory';

/** What an empty cluster lacks. */
export interface CapacityShortfall {
  /**
   * `node_labels`: no node has them all. `max_per_node`: the replicas would fit, but not so few on a node. `host_ports`: they would
   * fit, but not each on a machine of its own.
   */
  readonly dimension: OfOneReplica | 'node_labels' | 'replicas' | 'max_per_node' | 'host_ports';
  /** Thousandths for one replica (of `gpu_memory`, for each device); a number of replicas, or of nodes, for the others. */
  readonly requested: number;
  /** The most there is, in the same unit: on one node for one replica, in the whole cluster for the others. */
  readonly most: number;
}

/** So many verdicts are remembered: real submissions hold few distinct requests. */
const rememberedVerdicts = 10_000;

/** A cluster as if nothing ran there. Empty nodes that are made alike are alike: a cluster of thousands has a few kinds of them. */
export class EmptyCluster {
  /** One of each kind. */
  readonly #nodes: readonly Node[];
  /** How many there are of each kind, in the order of the room. */
  readonly #counts: readonly number[];
  /** On which machines they stand, in the same order. */
  readonly #machines: readonly (readonly string[])[];
  readonly #room: Room;
  readonly #verdicts = new Map<string, CapacityShortfall | null>();

  /** Cordoned nodes count: they come back. */
  constructor(nodes: readonly Node[]) {
    const kinds = new Map<string, Node[]>();
    for (const node of nodes) {
      const key = kindOf(node);
      const alike = kinds.get(key);
      if (alike === undefined) kinds.set(key, [node]);
      else alike.push(node);
    }
    this.#nodes = [...kinds.values()].flatMap(([first]) => first ?? []);
    this.#room = new Room(this.#nodes, 'emptied and opened');
    this.#counts = this.#room.nodes.map((node) => kinds.get(kindOf(node))?.length ?? 0);
    this.#machines = this.#room.nodes.map((node) => [...new Set(kinds.get(kindOf(node))?.map(machineOf))]);
  }

  /** Null where it holds the request. */
  verdict(request: Request): CapacityShortfall | null {
    const key = JSON.stringify(request);
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    if (this.#verdicts.size >= rememberedVerdicts) this.#verdicts.clear();
    const verdict = this.#judge(shapeOf(request));
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  #judge(asked: Shape): CapacityShortfall | null {
    const { replicas, hostPorts } = asked;
    const shape = hostPorts === null ? asked : shapeOf({ ...asked.request, hostPorts: [] });
    const most = this.#capacity(shape, replicas);
    if (most === 0) return shortfallOfOne(shape, this.#nodes);
    if (most < replicas) return { dimension: 'replicas', requested: replicas, most };
    const apart = this.#capacity(shape, Math.min(replicas, shape.maxPerNode));
    if (apart < replicas) return { dimension: 'max_per_node', requested: replicas, most: apart };
    const machines = hostPorts === null ? replicas : this.#machinesFor(shape);
    return machines >= replicas ? null : { dimension: 'host_ports', requested: replicas, most: machines };
  }

  /** On how many machines one replica finds room. */
  #machinesFor(shape: Shape): number {
    const fitting = this.#machines.filter((_, node) => this.#room.capacityOn(node, shape, 'free', 1) > 0);
    return new Set(fitting.flat()).size;
  }

  /** How many replicas all nodes take, if one takes at most so many. */
  #capacity(shape: Shape, mostOnNode: number): number {
    return this.#counts.reduce(
      (sum, count, node) => sum + count * this.#room.capacityOn(node, shape, 'free', mostOnNode),
      0,
    );
  }
}

/** Equal for nodes that nobody can tell apart but by name. */
function kindOf({ total, labels = {}, devices }: Node): string {
  const said = Object.entries(labels).toSorted(([a], [b]) => compareIds(a, b));
  const kinds = devices.map(({ model, memory }) => JSON.stringify([model, memory ?? 0])).toSorted(compareIds);
  return JSON.stringify([total.ram, total.cpu, said, kinds]);
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
