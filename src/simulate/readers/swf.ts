/**
 * Reads the Standard Workload Format, in which logs of parallel machines are kept (Chapin et al., "Benchmarks and Standards for
 * the Evaluation of Parallel Job Schedulers", JSSPP 1999; https://www.cs.huji.ac.il/labs/parallel/workload/swf.html): one job a
 * line of 18 numbers, -1 for what is not known; `;` begins a line of the header.
 *
 * The machine becomes one node with as many cores as it had processors, and no memory: jobs ask for cores and nothing else.
 */
import { basename } from 'node:path';
import type { Node } from '../../core/model.ts';
import { InputError, LineErrors } from '../input-error.ts';
import { RequestPool } from '../request-pool.ts';
import { bySubmission, defaultPriority, emptyNode, type Trace, type TraceDeployment } from '../trace.ts';
import { linesOf } from './lines.ts';

export interface SwfOptions {
  /** How many processors the machine has; null: as the header says. */
  readonly processors: number | null;
}

/** Where the numbers of a job stand in its line. */
const columns = {
  id: 0,
  submit: 1,
  wait: 2,
  run: 3,
  allocated: 4,
  requested: 7,
  requestedTime: 8,
  status: 10,
  user: 11,
  group: 12,
  queue: 14,
} as const;
const columnCount = 18;

/** Of field 11: what the numbers say about how a job ended. 2 to 4 are parts of a job whose whole stands on a line of its own. */
const cancelled = 5;
const failed = 0;
const isPart = (status: number) => status >= 2 && status <= 4;

export async function readSwf(path: string, options: SwfOptions): Promise<Trace> {
  const errors = new LineErrors(path);
  const header = new Map<string, string>();
  const deployments: TraceDeployment[] = [];
  const requests = new RequestPool();
  const leftOut = { parts: 0, neverRan: 0 };
  let largest = 0;
  for await (const { number, text } of linesOf(path)) {
    const line = text.trim();
    if (line === '') continue;
    if (line.startsWith(';')) {
      const [, name, value] = /^;+\s*(\w+):\s*(.*)$/.exec(line) ?? [];
      if (name !== undefined) header.set(name, value ?? '');
      continue;
    }
    const fields = fieldsOf(line);
    if (typeof fields === 'string') {
      errors.add(number, fields);
      continue;
    }
    const processors = processorsOf(fields);
    if (isPart(fields[columns.status] ?? -1)) leftOut.parts++;
    else if ((fields[columns.run] ?? -1) < 0 || processors <= 0) leftOut.neverRan++;
    else {
      deployments.push(deploymentOf(fields, Number(header.get('UnixStartTime') ?? 0), requests));
      largest = Math.max(largest, processors);
    }
  }
  errors.throwIfAny();
  if (deployments.length === 0) throw new InputError(`${path} holds no job`);
  return {
    name: basename(path),
    format: 'swf',
    nodes: [machine(path, options.processors ?? processorsIn(header), largest)],
    deployments: bySubmission(deployments),
    notes: notesOf(leftOut),
  };
}

/** The numbers of a line, or what is wrong with them. */
function fieldsOf(line: string): number[] | string {
  const texts = line.split(/\s+/);
  if (texts.length !== columnCount) return `has ${texts.length} fields; a job has ${columnCount}`;
  const fields = texts.map(Number);
  const wrong = fields.findIndex((field) => !Number.isFinite(field));
  if (wrong !== -1) return `field ${wrong + 1} is "${texts[wrong]}"; it must be a number, -1 where it is not known`;
  if ((fields[columns.submit] ?? -1) < 0)
    return `field 2, the time of submission, is ${fields[1]}; it must be 0 or more`;
  return fields;
}

function processorsOf(fields: readonly number[]): number {
  const requested = fields[columns.requested] ?? -1;
  return requested > 0 ? requested : (fields[columns.allocated] ?? -1);
}

function deploymentOf(fields: readonly number[], origin: number, requests: RequestPool): TraceDeployment {
  const at = (column: number) => fields[column] ?? -1;
  const known = (column: number) => (at(column) > 0 ? String(at(column)) : null);
  const [user, queue, group] = [known(columns.user), known(columns.queue), known(columns.group)];
  const limit = at(columns.requestedTime);
  const status = at(columns.status);
  return {
    id: String(at(columns.id)),
    submittedAt: milliseconds((Number.isFinite(origin) ? origin : 0) + at(columns.submit)),
    request: requests.of({
      perReplica: { ram: 0, cpu: processorsOf(fields) * 1000, gpu: 0 },
      replicas: 1,
      gpuModels: [],
    }),
    priority: defaultPriority,
    runTime: milliseconds(at(columns.run)),
    timeLimit: limit > 0 ? milliseconds(limit) : null,
    user: user === null ? null : `user-${user}`,
    kind: 'job',
    ends: status === failed ? 'failed' : status === cancelled ? 'cancelled' : 'succeeded',
    cancelledAt: null,
    recordedWait: at(columns.wait) < 0 ? null : milliseconds(at(columns.wait)),
    marks: {
      ...(user !== null && { user }),
      ...(queue !== null && { queue }),
      ...(group !== null && { group }),
    },
  };
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000);
}

function processorsIn(header: ReadonlyMap<string, string>): number | null {
  for (const name of ['MaxProcs', 'MaxNodes']) {
    const count = Number.parseInt(header.get(name) ?? '', 10);
    if (count > 0) return count;
  }
  return null;
}

function machine(path: string, processors: number | null, largest: number): Node {
  if (processors === null) {
    throw new InputError(`${path} does not say how many processors its machine has`, [
      `Its header has no line "; MaxProcs: …". Say it with --processors; its largest job asks for ${largest}.`,
    ]);
  }
  return emptyNode({ name: 'machine', ram: 0, cpu: processors * 1000, gpus: [] });
}

function notesOf({ parts, neverRan }: { readonly parts: number; readonly neverRan: number }): string[] {
  return [
    ...(parts > 0 ? [`${parts} lines are parts of jobs that stand on lines of their own; they were left out.`] : []),
    ...(neverRan > 0 ? [`${neverRan} jobs never ran, or on no processor; they were left out.`] : []),
  ];
}
