/**
 * Reads the lists of openb, Alibaba's GPU cluster trace of 2023 (Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing
 * Workloads with Fragmentation Gradient Descent", USENIX ATC 2023): CSV files of pods and of nodes.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { type Node, type Request, wholeDevice } from '../../core/model.ts';
import { InputError, LineErrors } from '../input-error.ts';
import { drawRunTime, randomOf } from '../random.ts';
import { RequestPool } from '../request-pool.ts';
import { bySubmission, defaultPriority, emptyNode, type Trace, type TraceDeployment } from '../trace.ts';
import { linesOf } from './lines.ts';

export interface OpenbOptions {
  /** The list of nodes; null: the user forgot it. */
  readonly nodes: string | null;
  /** How long pods run whose list does not say it, in milliseconds; null: drawn. */
  readonly runTime: number | null;
  readonly seed: number;
}

const podColumns = ['name', 'cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli'] as const;
const nodeColumns = ['sn', 'cpu_milli', 'memory_mib', 'gpu', 'model'] as const;
type Row = Readonly<Record<string, string | undefined>>;

export async function readOpenb(path: string, options: OpenbOptions): Promise<Trace> {
  if (options.nodes === null) throw await missingNodes(path);
  const nodes = await readNodes(options.nodes);
  const requests = new RequestPool();
  const pods = await readRows(path, podColumns, (row) => podOf(row, requests));
  const random = randomOf(options.seed);
  const withoutTimes = pods.filter(({ times }) => times === null).length;
  const neverScheduled = pods.filter(({ times }) => times?.scheduled === null).length;
  return {
    name: basename(path),
    format: 'openb',
    nodes,
    deployments: bySubmission(pods.map((pod) => deploymentOf(pod, options.runTime ?? drawRunTime(random)))),
    notes: [
      ...(withoutTimes > 0 ? [madeUp(withoutTimes, options)] : []),
      ...(neverScheduled > 0
        ? [`${neverScheduled} pods were never started; they run for as long as they existed.`]
        : []),
    ],
  };
}

function madeUp(pods: number, { runTime, seed }: OpenbOptions): string {
  const how = runTime === null ? `are drawn from a minute to a day (seed ${seed})` : `are ${runTime / 1000} s`;
  return `${pods} pods come without times: all are submitted at once, and their run times ${how}.`;
}

interface Pod {
  readonly name: string;
  readonly request: Request;
  readonly qos: string | null;
  readonly ends: 'succeeded' | 'failed';
  /** Milliseconds; null where the list has none. */
  readonly times: { readonly created: number; readonly scheduled: number | null; readonly deleted: number } | null;
}

function deploymentOf({ name, request, qos, ends, times }: Pod, otherwise: number): TraceDeployment {
  return {
    id: name,
    submittedAt: times?.created ?? 0,
    request,
    priority: defaultPriority,
    runTime: times === null ? otherwise : times.deleted - (times.scheduled ?? times.created),
    timeLimit: null,
    user: null,
    kind: 'job',
    ends,
    cancelledAt: null,
    recordedWait: times === null || times.scheduled === null ? null : times.scheduled - times.created,
    marks: qos === null ? {} : { qos },
  };
}

function podOf(row: Row, requests: RequestPool): Pod {
  const created = timeOf(row, 'creation_time');
  const deleted = timeOf(row, 'deletion_time');
  const scheduled = timeOf(row, 'scheduled_time');
  if (created !== null && deleted !== null && deleted < (scheduled ?? created)) {
    throw new Wrong(`deletion_time is ${row['deletion_time']}, before the pod was started`);
  }
  return {
    name: row['name'] ?? '',
    request: requests.of({
      perReplica: { ram: fromMib(count(row, 'memory_mib')), cpu: count(row, 'cpu_milli'), gpu: gpuOf(row) },
      replicas: 1,
      gpuModels: (row['gpu_spec'] ?? '').split('|').filter((model) => model !== ''),
    }),
    qos: row['qos'] || null,
    ends: row['pod_phase'] === 'Failed' ? 'failed' : 'succeeded',
    times: created === null || deleted === null ? null : { created, scheduled, deleted },
  };
}

/** Thousandths of a device. Several devices are taken whole, a single one whole or in part. */
function gpuOf(row: Row): number {
  const devices = count(row, 'num_gpu');
  const share = count(row, 'gpu_milli');
  if (share > wholeDevice) throw new Wrong(`gpu_milli is ${share}; it is of one device, at most ${wholeDevice}`);
  if (devices === 1 && share === 0) throw new Wrong('gpu_milli is 0 though num_gpu is 1; it must be 1 to 1000');
  return devices > 1 ? devices * wholeDevice : devices * share;
}

async function readNodes(path: string): Promise<Node[]> {
  const nodes = await readRows(path, nodeColumns, (row) => {
    const model = row['model'] || 'generic';
    return emptyNode({
      name: row['sn'] ?? '',
      // Rounded down: a node has no more than it has.
      ram: Math.floor((count(row, 'memory_mib') / 1024) * 1000),
      cpu: count(row, 'cpu_milli'),
      gpus: Array.from({ length: count(row, 'gpu') }, () => ({ model })),
    });
  });
  const seen = new Set<string>();
  for (const { name } of nodes) {
    if (seen.has(name)) throw new InputError(`${path} can't be read as a list of nodes`, [`it names ${name} twice`]);
    seen.add(name);
  }
  return nodes;
}

/** What is wrong with a row. */
class Wrong extends Error {}

/** MiB in thousandths of a GB, rounded up: nobody gets less than was asked for. */
const fromMib = (mib: number): number => Math.ceil((mib / 1024) * 1000);

function count(row: Row, column: string): number {
  const text = row[column] ?? '';
  if (!/^\d+$/.test(text)) throw new Wrong(`${column} is "${text}"; it must be a whole number, 0 or more`);
  return Number(text);
}

/** Milliseconds; null where nothing is said. */
function timeOf(row: Row, column: string): number | null {
  const text = row[column] ?? '';
  if (text === '') return null;
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Wrong(`${column} is "${text}"; it must be a number of seconds`);
  return Math.round(Number(text) * 1000);
}

/** Every row as `make` reads it. */
async function readRows<T>(path: string, columns: readonly string[], make: (row: Row) => T): Promise<T[]> {
  const errors = new LineErrors(path);
  const rows: T[] = [];
  let missing: readonly string[] = [];
  const parser = parse({
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    columns: (names: string[]) => {
      missing = columns.filter((column) => !names.includes(column));
      return names;
    },
  });
  // What goes wrong is thrown by the parser, too, to whoever reads the rows.
  pipeline(Readable.from(textOf(path)), parser).catch(() => undefined);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Row; info: { lines: number } }>) {
      if (missing.length > 0) break;
      try {
        rows.push(make(record));
      } catch (error) {
        if (!(error instanceof Wrong)) throw error;
        errors.add(info.lines, error.message);
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    errors.add(Number(error['lines']) || 1, error.message);
  }
  if (missing.length > 0) throw new InputError(`${path} is not such a list: column ${missing.join(', ')} missing`);
  errors.throwIfAny();
  if (rows.length === 0) throw new InputError(`${path} holds no row`);
  return rows;
}

async function* textOf(path: string): AsyncGenerator<string> {
  for await (const { text } of linesOf(path)) yield `${text}\n`;
}

/** The lists beside the pods that may be the one. */
async function missingNodes(path: string): Promise<InputError> {
  const folder = dirname(path);
  const beside = await readdir(folder).catch(() => []);
  const lists = beside.filter((name) => /node.*\.csv$/.test(name)).toSorted();
  return new InputError(
    `${path} lists pods; on which nodes they are to run is in another file: --nodes FILE`,
    lists.map((name) => `There is: --nodes ${join(folder, name)}`),
  );
}
