/**
 * What is replayed: a cluster, and everything that was ever submitted to it. The formats that there are (readers/) all become
 * this one. Amounts are whole thousandths as in the core; all times are milliseconds.
 */
import { type Node, type Request, wholeDevice } from '../core/model.ts';

export interface Trace {
  /** For people: the name of the file. */
  readonly name: string;
  readonly format: TraceFormat;
  readonly nodes: readonly Node[];
  /** In the order of their submission; those of one instant in the order of the file. */
  readonly deployments: readonly TraceDeployment[];
  /** What a reader left out or made up, in sentences: a report repeats them, so that nobody takes it for more than it is. */
  readonly notes: readonly string[];
}

export const traceFormats = ['hvtrace', 'swf', 'openb'] as const;
export type TraceFormat = (typeof traceFormats)[number];

export interface TraceDeployment {
  readonly id: string;
  /** Since the Unix epoch where the trace says when that was; else since its own beginning. */
  readonly submittedAt: number;
  readonly request: Request;
  /** 1 to 100; a lower number goes first. */
  readonly priority: number;
  /** How long it runs once it is started; null: until the replay ends. The scheduler is never told. */
  readonly runTime: number | null;
  /** What its user declared, and what it is stopped after; null where nothing was declared. */
  readonly timeLimit: number | null;
  readonly user: string | null;
  readonly kind: 'job' | 'service';
  /** What it ends with, if it is not stopped before. */
  readonly ends: 'succeeded' | 'failed' | 'cancelled';
  /** When its user gave it up before it was ever started; null where that did not happen. */
  readonly cancelledAt: number | null;
  /** How long it waited in reality (or in the simulator that wrote the trace); null where the trace does not say. */
  readonly recordedWait: number | null;
  /** What else the trace says about it (queue, qos): a priority can be derived from it. */
  readonly marks: Readonly<Record<string, string>>;
}

export const defaultPriority = 50;

interface NodeOfTrace {
  readonly name: string;
  /** Thousandths of a GB and of a core. */
  readonly ram: number;
  readonly cpu: number;
  /** One for each GPU device, with its memory in thousandths of a GB where it is known. */
  readonly gpus: readonly { readonly model: string; readonly memory?: number }[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly schedulable?: boolean;
}

/** A node on which nothing runs: everything that it has is free. */
export function emptyNode({ name, ram, cpu, gpus, labels, schedulable = true }: NodeOfTrace): Node {
  const total = { ram, cpu, gpu: gpus.length * wholeDevice };
  const devices = gpus.map((gpu, index) => ({ index, ...gpu, free: wholeDevice }));
  return { id: name, name, total, free: total, devices, schedulable, ...(labels !== undefined && { labels }) };
}

/** In the order of their submission; those of one instant stay in the order that they have. */
export function bySubmission(deployments: readonly TraceDeployment[]): TraceDeployment[] {
  return deployments.toSorted((a, b) => a.submittedAt - b.submittedAt);
}
