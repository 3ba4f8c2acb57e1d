/**
 * Shapes: equal requests are one shape. Real queues hold few distinct requests, so the planner asks each question once for a
 * shape and not once for a deployment.
 */
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
}

/** Gives each distinct request its shape. The same Request object is recognized at once, an equal one by its content. */
export class Shapes {
  readonly all: Shape[] = [];
  readonly #byObject = new Map<Request, Shape>();
  /** By a number made of the amounts; what falls on the same number is told apart by comparing. */
  readonly #byContent = new Map<number, Shape[]>();

  of(request: Request): Shape {
    const known = this.#byObject.get(request);
    if (known !== undefined) return known;
    const shape = this.#find(request);
    this.#byObject.set(request, shape);
    return shape;
  }

  #find(request: Request): Shape {
    const { ram, cpu, gpu } = request.perReplica;
    // Products of primes, kept within 2^53: quicker than building a string for each of 50,000 requests.
    const hash =
      ((ram * 8191 + cpu) * 131 + gpu * 7 + request.replicas * 31 + request.gpuModels.length) % 9007199254740881;
    const alike = this.#byContent.get(hash);
    const known = alike?.find((shape) => sameRequest(shape.request, request));
    if (known !== undefined) return known;
    const shape = shapeOf(request, this.all.length);
    this.all.push(shape);
    if (alike === undefined) this.#byContent.set(hash, [shape]);
    else alike.push(shape);
    return shape;
  }
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
  };
}

function sameRequest(a: Request, b: Request): boolean {
  return (
    a.perReplica.ram === b.perReplica.ram &&
    a.perReplica.cpu === b.perReplica.cpu &&
    a.perReplica.gpu === b.perReplica.gpu &&
    a.replicas === b.replicas &&
    a.gpuModels.length === b.gpuModels.length &&
    a.gpuModels.every((model) => b.gpuModels.includes(model)) &&
    b.gpuModels.every((model) => a.gpuModels.includes(model))
  );
}

/** Does `a` ask for no less than `b`: wherever `a` finds room, would `b` too? */
export function asksNoLess(a: Shape, b: Shape): boolean {
  if (a.ram < b.ram || a.cpu < b.cpu || a.gpu < b.gpu || a.replicas < b.replicas) return false;
  if (b.models === null) return true;
  return a.models !== null && [...a.models].every((model) => b.models?.has(model));
}
