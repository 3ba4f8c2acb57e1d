/** Reads what `hv export` wrote: the history of a cluster of our own (history-format.ts). */
import { basename } from 'node:path';
import type { z } from 'zod';
import type { Node, Request } from '../../core/model.ts';
import { HistoryHeader, HistoryLine } from '../history-format.ts';
import { InputError, LineErrors } from '../input-error.ts';
import { RequestPool } from '../request-pool.ts';
import { bySubmission, emptyNode, type Trace, type TraceDeployment } from '../trace.ts';
import { type Line, linesOf } from './lines.ts';

export async function readHistory(path: string): Promise<Trace> {
  const errors = new LineErrors(path);
  const deployments: TraceDeployment[] = [];
  const requests = new RequestPool();
  let header: HistoryHeader | null = null;
  for await (const line of linesOf(path)) {
    if (line.text.trim() === '') continue;
    if (header === null) {
      header = parse(line, HistoryHeader, errors);
      if (header === null) break;
      continue;
    }
    const parsed = parse(line, HistoryLine, errors);
    if (parsed !== null) deployments.push(deploymentOf(parsed, requests));
  }
  errors.throwIfAny();
  if (header === null) throw new InputError(`${path} is empty; its first line must be the cluster`);
  return {
    name: basename(path),
    format: 'hvtrace',
    nodes: header.cluster.nodes.map(nodeOf),
    deployments: bySubmission(deployments),
    notes: notesOf(deployments),
  };
}

function parse<T>({ number, text }: Line, schema: z.ZodType<T>, errors: LineErrors): T | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    errors.add(number, 'is not JSON; each line must be one JSON document');
    return null;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) errors.add(number, `${issue.path.join('.') || 'the line'} ${issue.message}`);
  return null;
}

const thousandths = (amount: number) => Math.round(amount * 1000);

function nodeOf({ name, ram, cpu, gpus, labels, schedulable }: HistoryHeader['cluster']['nodes'][number]): Node {
  return emptyNode({
    name,
    ram: thousandths(ram),
    cpu: thousandths(cpu),
    gpus: (gpus ?? []).map(({ model, memory_gb: memory }) => ({
      model,
      ...(memory > 0 && { memory: thousandths(memory) }),
    })),
    schedulable,
    ...(Object.keys(labels).length > 0 && { labels }),
  });
}

function deploymentOf(line: HistoryLine, requests: RequestPool): TraceDeployment {
  const submittedAt = Date.parse(line.submitted_at);
  const startedAt = line.started_at === null ? null : Date.parse(line.started_at);
  const finishedAt = line.finished_at === null ? null : Date.parse(line.finished_at);
  const neverRan = startedAt === null && finishedAt !== null;
  return {
    id: line.id,
    submittedAt,
    request: requests.of(requestOf(line)),
    priority: line.priority,
    runTime: startedAt === null || finishedAt === null ? null : finishedAt - startedAt,
    timeLimit: line.time_limit_s === null ? null : line.time_limit_s * 1000,
    user: line.user,
    kind: line.kind,
    ends: line.status === 'failed' || line.status === 'cancelled' ? line.status : 'succeeded',
    cancelledAt: neverRan ? finishedAt : null,
    recordedWait: startedAt === null ? null : Math.max(0, startedAt - submittedAt),
    marks: line.user === null ? {} : { user: line.user },
  };
}

function requestOf(line: HistoryLine): Request {
  const memory = thousandths(line.gpu_memory_required);
  return {
    perReplica: {
      ram: thousandths(line.ram_required),
      cpu: thousandths(line.cpu_required),
      gpu: thousandths(line.gpu_required),
    },
    replicas: line.replicas,
    gpuModels: line.gpu_models,
    ...(memory > 0 && { gpuMemory: memory }),
    ...(Object.keys(line.node_labels).length > 0 && { nodeLabels: line.node_labels }),
    ...(line.max_per_node !== null && { maxPerNode: line.max_per_node }),
  };
}

function notesOf(deployments: readonly TraceDeployment[]): string[] {
  const unended = deployments.filter(({ runTime, cancelledAt }) => runTime === null && cancelledAt === null).length;
  if (unended === 0) return [];
  return [
    `${unended} deployments had not ended when the trace was written; once started they run until the replay ends.`,
  ];
}
