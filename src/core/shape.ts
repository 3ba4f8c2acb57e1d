/**
 * Shapes: equal requests are one shape. Real queues hold few distinct requests, so the planner asks each question once for a
 * shape and not once for a deployment.
 */

import { compareIds } from './ids.ts';
import type { HostPort, Node, Request } from './model.ts';
import { wholeDevices } from './resources.ts';

/** A request as the planner's inner loops read it. Amounts are thousandths, for one replica. */
export interface Shape {
  /** Where it stands in the list of shapes: facts about shapes are kept in arrays by this number. */
  readonly index: number;
  readonly request: Request;
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
  /** Whole devices of one replica; 0 where it takes none, or a share. */
  readonly wholeDevices: number;
  readonly replicas: number;
  /** Device models that will do; null: any. */
  readonly models: ReadonlySet<string> | null;
  /** The memory that each of its devices must have at least, in thousandths of a GB; 0: any. */
  readonly gpuMemory: number;
  /** What a node must say about itself, as `[name, value]`, by name; null: nothing. */
  readonly labels: readonly (readonly [string, string])[] | null;
  /** At most so many replicas on one node; infinite where nothing was said. */
  readonly maxPerNode: number;
  /** The host ports that each replica takes; null: none. At most one replica of the shape then stands on a machine. */
  readonly hostPorts: readonly HostPort[] | null;
  /** How long it must be left alone, in milliseconds (windows.ts). Looked at only where nodes close for maintenance. */
  readonly lasts: number;
}

/** So many shapes are known at once, though nobody uses some of them: what is seen of them is of use when they come again. */
const knownShapes = 1024;

/** Gives each distinct request its shape. */
export class Shapes {
  readonly #byKey = new Map<string, Shape>();
  readonly #users = new Map<Shape, number>();
  #made = 0;

  /** `lasts` is given only where it makes a difference: there are more shapes then. */
  of(request: Request, lasts = 0): Shape {
    const key = lasts === 0 ? keyOf(request) : `${keyOf(request)} for ${lasts}`;
    let shape = this.#byKey.get(key);
    if (shape === undefined) {
      shape = { ...shapeOf(request, this.#made++), lasts };
      this.#byKey.set(key, shape);
      this.#users.set(shape, 0);
    }
    return shape;
  }

  use(shape: Shape): void {
    this.#users.set(shape, (this.#users.get(shape) ?? 0) + 1);
  }

  /** Undoes `use`. Returns the shapes that are forgotten: those that nobody uses, if there are many. */
  release(shape: Shape): readonly Shape[] {
    this.#users.set(shape, (this.#users.get(shape) ?? 1) - 1);
    if (this.#byKey.size <= knownShapes) return [];
    const forgotten: Shape[] = [];
    for (const [key, one] of this.#byKey) {
      if (this.#users.get(one) !== 0) continue;
      this.#byKey.delete(key);
      this.#users.delete(one);
      forgotten.push(one);
    }
    return forgotten;
  }
}

/** Equal for equal requests, whatever the order of their models and labels. */
function keyOf(request: Request): string {
  const {
    perReplica: { ram, cpu, gpu },
    replicas,
    gpuModels,
    gpuMemory = 0,
    nodeLabels,
    maxPerNode = 0,
    hostPorts = [],
  } = request;
  const amounts = `${ram} ${cpu} ${gpu} ${replicas} ${gpuMemory} ${maxPerNode}`;
  const labels = Object.entries(nodeLabels ?? {}).toSorted(([a], [b]) => compareIds(a, b));
  if (gpuModels.length === 0 && labels.length === 0 && hostPorts.length === 0) return amounts;
  const models = [...new Set(gpuModels)].toSorted(compareIds);
  return `${amounts} ${JSON.stringify([models, labels, hostPorts.toSorted(compareIds)])}`;
}

export function shapeOf(request: Request, index = 0): Shape {
  const { ram, cpu, gpu } = request.perReplica;
  const hostPorts = request.hostPorts?.length ? request.hostPorts.toSorted(compareIds) : null;
  return {
    index,
    request,
    ram,
    cpu,
    gpu,
    wholeDevices: wholeDevices(gpu),
    replicas: request.replicas,
    // Models say where GPU is taken; without GPU they say nothing.
    models: gpu === 0 || request.gpuModels.length === 0 ? null : new Set(request.gpuModels),
    gpuMemory: gpu === 0 ? 0 : (request.gpuMemory ?? 0),
    labels: labelsOf(request),
    maxPerNode: maxPerNodeOf(request, hostPorts),
    hostPorts,
    lasts: 0,
  };
}

/** What a gang of one may have at most on a node says nothing; and with host ports, it is one in any case. */
function maxPerNodeOf({ replicas, maxPerNode }: Request, hostPorts: Shape['hostPorts']): number {
  return replicas > 1 && maxPerNode && hostPorts === null ? maxPerNode : Number.POSITIVE_INFINITY;
}

function labelsOf({ nodeLabels }: Request): Shape['labels'] {
  const labels = Object.entries(nodeLabels ?? {});
  return labels.length === 0 ? null : labels.toSorted(([a], [b]) => compareIds(a, b));
}

export function hasLabels({ labels: has }: Node, { labels }: Shape): boolean {
  return labels === null || labels.every(([name, value]) => has?.[name] === value);
}

/** Does `a` ask for no less than `b`: wherever `a` finds room, would `b` too? */
export function asksNoLess(a: Shape, b: Shape): boolean {
  if (a.ram < b.ram || a.cpu < b.cpu || a.gpu < b.gpu || a.replicas < b.replicas) return false;
  if (a.gpuMemory < b.gpuMemory || a.maxPerNode > b.maxPerNode || a.lasts < b.lasts) return false;
  if (b.hostPorts?.some((port) => a.hostPorts?.includes(port) !== true)) return false;
  if (b.labels?.some(([name, value]) => a.request.nodeLabels?.[name] !== value)) return false;
  if (b.models === null) return true;
  return a.models !== null && [...a.models].every((model) => b.models?.has(model));
}
