/**
 * Shapes: equal requests are one shape. Real queues hold few distinct requests, so the planner asks each question once for a
 * shape and not once for a deployment.
 */

import { compareIds } from './ids.ts';
import type { Request } from './model.ts';
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
}

/**
 * Gives each distinct request its shape. A hash table of its own (open addressing, linear probing: Knuth, TAOCP vol. 3, 6.4),
 * because this is asked for every deployment of the queue, and keys made of text would cost most of the pass.
 */
export class Shapes {
  readonly all: Shape[] = [];
  /** For each slot the number of its shape plus one; 0 where it is empty. At most half of them are ever taken. */
  readonly #slots: Int32Array;

  /** For at most so many requests. */
  constructor(requests: number) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * requests + 2)));
  }

  of(request: Request): Shape {
    const last = this.#slots.length - 1;
    for (let slot = hash(request) & last; ; slot = (slot + 1) & last) {
      const shape = this.all[(this.#slots[slot] ?? 0) - 1];
      if (shape === undefined) return this.#add(request, slot);
      if (shape.request === request || sameRequest(shape.request, request)) return shape;
    }
  }

  #add(request: Request, slot: number): Shape {
    const shape = shapeOf(request, this.all.length);
    this.#slots[slot] = this.all.push(shape);
    return shape;
  }
}

/** Mixes 32 bit words by multiplication with odd constants, as in MurmurHash3's finalizer. */
function hash({ perReplica: { ram, cpu, gpu }, replicas, gpuModels }: Request): number {
  let mixed = Math.imul(ram, 0x85ebca6b) ^ Math.imul(cpu, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ gpu, 0x27d4eb2f) ^ Math.imul(replicas * 64 + gpuModels.length, 0x165667b1);
  return mixed ^ (mixed >>> 13);
}

export function shapeOf(request: Request, index = 0): Shape {
  const { ram, cpu, gpu } = request.perReplica;
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
    // What a gang of one may have at most on a node says nothing.
    maxPerNode: request.replicas > 1 && request.maxPerNode ? request.maxPerNode : Number.POSITIVE_INFINITY,
  };
}

function labelsOf({ nodeLabels }: Request): Shape['labels'] {
  const labels = Object.entries(nodeLabels ?? {});
  return labels.length === 0 ? null : labels.toSorted(([a], [b]) => compareIds(a, b));
}

function sameRequest(a: Request, b: Request): boolean {
  return (
    a.perReplica.ram === b.perReplica.ram &&
    a.perReplica.cpu === b.perReplica.cpu &&
    a.perReplica.gpu === b.perReplica.gpu &&
    a.replicas === b.replicas &&
    a.gpuModels.length === b.gpuModels.length &&
    a.gpuModels.every((model) => b.gpuModels.includes(model)) &&
    b.gpuModels.every((model) => a.gpuModels.includes(model)) &&
    (a.gpuMemory ?? 0) === (b.gpuMemory ?? 0) &&
    (a.maxPerNode ?? 0) === (b.maxPerNode ?? 0) &&
    sameLabels(a.nodeLabels ?? none, b.nodeLabels ?? none)
  );
}

const none: Readonly<Record<string, string>> = {};

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Does `a` ask for no less than `b`: wherever `a` finds room, would `b` too? */
export function asksNoLess(a: Shape, b: Shape): boolean {
  if (a.ram < b.ram || a.cpu < b.cpu || a.gpu < b.gpu || a.replicas < b.replicas) return false;
  if (a.gpuMemory < b.gpuMemory || a.maxPerNode > b.maxPerNode) return false;
  if (b.labels?.some(([name, value]) => a.request.nodeLabels?.[name] !== value)) return false;
  if (b.models === null) return true;
  return a.models !== null && [...a.models].every((model) => b.models?.has(model));
}
