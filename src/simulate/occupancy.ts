/**
 * What is in use on each node while a trace is replayed, kept apart from the planner: what it measures is not what the planner
 * believes, and a planner that gave a node away twice would be caught.
 *
 * Two measures say what free room is worth. Both look at the requests that are typical of the trace.
 *
 * - *Fragmentation* of GPUs, as FGD defines it (Weng et al., "Beware of Fragmentation", USENIX ATC 2023, section 4): of what is
 *   free of the GPUs of a node, what a request could not use, since too little is free of the device, or since the node lacks
 *   cores, memory or devices for it; on average over the requests that ask for GPUs, each as often as the trace has it.
 * - *Stranded*: what is free on nodes that could not take a single replica of any typical request.
 */
import { type Node, type Placement, type Request, type Resources, wholeDevice } from '../core/model.ts';
import { add, nothing, times } from '../core/resources.ts';
import type { Trace } from './trace.ts';
import { type Typical, typicalRequests } from './typical.ts';

interface Cell {
  readonly node: Node;
  free: Resources;
  /** Thousandths, in the order of the devices. */
  readonly devices: number[];
  /** Thousandths of GPUs that the average request could not use. */
  fragmented: number;
  stranded: Resources;
}

export class Occupancy {
  readonly #cells: ReadonlyMap<string, Cell>;
  readonly #typical: Typical;
  readonly #typicalOfGpu: Typical;
  inUse: Resources = nothing;
  /** Thousandths of GPUs. */
  fragmented = 0;
  stranded: Resources = nothing;

  constructor(trace: Pick<Trace, 'nodes' | 'deployments'>) {
    this.#typical = typicalRequests(trace, () => true);
    this.#typicalOfGpu = typicalRequests(trace, ({ perReplica }) => perReplica.gpu > 0);
    this.#cells = new Map(trace.nodes.map((node) => [node.id, cellOf(node)]));
    for (const cell of this.#cells.values()) this.#lookAt(cell);
  }

  take(placements: readonly Placement[]): void {
    for (const placement of placements) this.#change(placement, -1);
  }

  give(placements: readonly Placement[]): void {
    for (const placement of placements) this.#change(placement, 1);
  }

  #change({ nodeId, resources, devices }: Placement, sign: 1 | -1): void {
    const cell = this.#cells.get(nodeId);
    if (cell === undefined) throw new Error(`the planner placed something on node ${nodeId}, which there is not`);
    cell.free = add(cell.free, times(resources, sign));
    for (const { index, amount } of devices) cell.devices[index] = (cell.devices[index] ?? 0) + sign * amount;
    if (Math.min(cell.free.ram, cell.free.cpu, cell.free.gpu, ...cell.devices) < 0) {
      throw new Error(`the planner gave away more of node ${cell.node.name} than it has`);
    }
    this.inUse = add(this.inUse, times(resources, -sign));
    this.#lookAt(cell);
  }

  #lookAt(cell: Cell): void {
    const fragmented = this.#typicalOfGpu.reduce((sum, { request, share }) => sum + share * unusable(cell, request), 0);
    const isStranded = !this.#typical.some(({ request }) => hasRoomFor(cell, request));
    this.fragmented += fragmented - cell.fragmented;
    this.stranded = add(this.stranded, times(cell.stranded, -1));
    cell.fragmented = fragmented;
    cell.stranded = isStranded ? cell.free : nothing;
    this.stranded = add(this.stranded, cell.stranded);
  }
}

function cellOf(node: Node): Cell {
  return { node, free: node.total, devices: node.devices.map(() => wholeDevice), fragmented: 0, stranded: nothing };
}

/** Would one replica find room? */
function hasRoomFor(cell: Cell, request: Request): boolean {
  const { gpu } = request.perReplica;
  if (!hasRest(cell, request)) return false;
  return gpu === 0 || usable(cell, request) >= gpu;
}

/** Thousandths of the free GPUs that a replica could not use. */
function unusable(cell: Cell, request: Request): number {
  const free = cell.free.gpu;
  if (free === 0) return 0;
  if (!hasRest(cell, request)) return free;
  const could = usable(cell, request);
  return could < request.perReplica.gpu ? free : free - could;
}

/** Memory, cores and labels. */
function hasRest({ node, free }: Cell, { perReplica, nodeLabels = {} }: Request): boolean {
  if (free.ram < perReplica.ram || free.cpu < perReplica.cpu) return false;
  return Object.entries(nodeLabels).every(([name, value]) => node.labels?.[name] === value);
}

/** Thousandths that are free of the devices that suit the request and have enough for it. */
function usable(cell: Cell, { perReplica, gpuModels, gpuMemory = 0 }: Request): number {
  const least = Math.min(perReplica.gpu, wholeDevice);
  let sum = 0;
  cell.node.devices.forEach(({ model, memory = 0 }, i) => {
    const free = cell.devices[i] ?? 0;
    const suits = (gpuModels.length === 0 || gpuModels.includes(model)) && memory >= gpuMemory;
    if (suits && free >= least) sum += free;
  });
  return sum;
}
