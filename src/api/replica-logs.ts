/** The log of one run of a replica: from its container while that exists, afterwards from what was kept of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../control/control-plane.ts';
import { isFinal } from '../core/lifecycle.ts';
import { type ContainerKey, type LogLine, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { readArchivedLog } from '../store/replica-logs.ts';
import { engineOfReplica, type LogSource, readLatestRun, readLogSource } from '../store/replica-reads.ts';
import type { Scope } from '../store/scope.ts';
import { ApiError, notFound } from './errors.ts';

export interface LogRequest {
  readonly deploymentId: string;
  /** Undefined: the latest at the time of the request. */
  readonly attempt: number | undefined;
  readonly replica: number;
  /** Undefined: the latest at the time of the request. */
  readonly run: number | undefined;
  readonly tail: number | undefined;
  /** Milliseconds since the epoch. */
  readonly since: number | undefined;
  readonly follow: boolean;
}

interface LogDeps {
  readonly db: Database;
  readonly control: ControlPlane;
}

type Found =
  | { kind: 'kept'; lines: readonly LogLine[] }
  | { kind: 'container'; key: ContainerKey; runtime: Runtime }
  /** There is no container yet; or, where it is over, there will be none. */
  | { kind: 'nothing'; over: boolean };

/** How soon a log is there after its container is. */
const waitMs = 500;

/**
 * The lines, ready to be read. With `follow` they end when the container does; one that has not started is waited for.
 * Throws `not_found` and `runtime_unreachable` before the first line.
 */
export async function openLog(
  deps: LogDeps,
  scope: Scope,
  request: LogRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<LogLine>> {
  const source = await readLogSource(deps.db, scope, request.deploymentId);
  if (source === null) throw notFound('deployment');
  const attempt = request.attempt ?? source.attempt;
  if (attempt > source.attempt) {
    throw new ApiError('not_found', `There is no attempt ${attempt}: the latest is ${source.attempt}.`);
  }
  if (request.replica >= source.replicas) {
    throw new ApiError(
      'not_found',
      `There is no replica ${request.replica}: they count from 0 to ${source.replicas - 1}.`,
    );
  }
  const { deploymentId, replica } = request;
  const run = await runOf(deps.db, request, attempt);
  const key = { clusterId: source.clusterId, deploymentId, attempt, replica, run };
  const found = await orUnreachable(find(deps, source, key));
  const lines = linesOf(deps, scope, request, key, found, signal);
  return request.follow ? lines : orUnreachable(begun(lines));
}

async function runOf(db: Database, request: LogRequest, attempt: number): Promise<number> {
  const { deploymentId, replica, run } = request;
  const latest = await readLatestRun(db, deploymentId, { attempt, replica });
  if (run !== undefined && run > latest) {
    throw new ApiError('not_found', `There is no run ${run} of replica ${replica}: the latest is ${latest}.`);
  }
  return run ?? latest;
}

/** Looks in the archive first: a container is removed only after its log was kept. */
async function find({ db, control }: LogDeps, source: LogSource, key: ContainerKey): Promise<Found> {
  const lines = await readArchivedLog(db, key);
  if (lines !== null) return { kind: 'kept', lines };
  const isLatest = key.attempt === source.attempt;
  if (isLatest && source.status === 'queued') return { kind: 'nothing', over: false };
  const runtime = control.runtimeOf(source.runtime, await engineOfReplica(db, key));
  const container = await runtime.inspect(key);
  if (container !== null && container.status !== 'created') return { kind: 'container', key, runtime };
  return { kind: 'nothing', over: !isLatest || isFinal(source.status) };
}

async function* linesOf(
  deps: LogDeps,
  scope: Scope,
  request: LogRequest,
  key: ContainerKey,
  first: Found,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  for (let found = first; ; found = await findAgain(deps, scope, key, signal)) {
    switch (found.kind) {
      case 'kept':
        yield* selected(found.lines, request);
        return;
      case 'container':
        if (yield* containerLines(found, request, signal)) return;
        break;
      case 'nothing':
        if (found.over || !request.follow) return;
        break;
    }
  }
}

async function findAgain(deps: LogDeps, scope: Scope, key: ContainerKey, signal: AbortSignal): Promise<Found> {
  await sleep(waitMs, undefined, { signal });
  const source = await readLogSource(deps.db, scope, key.deploymentId);
  // Deleted meanwhile.
  if (source === null) return { kind: 'nothing', over: true };
  return find(deps, source, key);
}

/** False where the container was removed before a line was read: its log has been kept by then. */
async function* containerLines(
  { runtime, key }: Extract<Found, { kind: 'container' }>,
  { tail, since, follow }: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<LogLine, boolean> {
  const options = { ...(tail !== undefined && { tail }), ...(since !== undefined && { since }), follow, signal };
  let read = false;
  try {
    for await (const line of runtime.logs(key, options)) {
      read = true;
      yield line;
    }
  } catch (error) {
    if (!(error instanceof RuntimeError && error.code === 'not_found') || read) throw error;
    return false;
  }
  return true;
}

function selected(lines: readonly LogLine[], { tail, since }: LogRequest): readonly LogLine[] {
  const recent = since === undefined ? lines : lines.filter(({ at }) => at >= since);
  return tail === undefined ? recent : recent.slice(Math.max(0, recent.length - tail));
}

/** Reads the first line, so that a failure to read any is still answered with its status. */
async function begun<T>(items: AsyncGenerator<T>): Promise<AsyncGenerator<T>> {
  const first = await items.next();
  return (async function* () {
    if (first.done === true) return;
    yield first.value;
    yield* items;
  })();
}

async function orUnreachable<T>(looked: Promise<T>): Promise<T> {
  try {
    return await looked;
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'unreachable') {
      throw new ApiError(
        'runtime_unreachable',
        `The log is with the container, and its engine does not answer: ${error.message}.`,
      );
    }
    throw error;
  }
}
