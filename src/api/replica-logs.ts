/**
 * The logs of replicas: of each from its container while that exists, afterwards from what was kept of it; of several in one stream,
 * by time where all of it is there already, and as it comes where it is followed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlPlane } from '../control/control-plane.ts';
import { isFinal } from '../core/lifecycle.ts';
import { type ContainerKey, type LogLine, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { type KeptLog, readArchivedLog } from '../store/replica-logs.ts';
import {
  engineOfReplica,
  type LogSource,
  readLatestRun,
  readLogSource,
  readReplicaPlace,
} from '../store/replica-reads.ts';
import type { Scope } from '../store/scope.ts';
import { ApiError, notFound } from './errors.ts';
import { asTheyCome, byTime } from './merged.ts';

export interface LogRequest {
  readonly deploymentId: string;
  /** Undefined: the latest at the time of the request. */
  readonly attempt: number | undefined;
  readonly replica: number | 'all';
  /** Undefined: the latest of each replica, at the time of the request. */
  readonly run: number | undefined;
  /** Undefined: both. */
  readonly stream: LogLine['stream'] | undefined;
  /** Of each replica. */
  readonly tail: number | undefined;
  /** Milliseconds since the epoch. */
  readonly since: number | undefined;
  readonly follow: boolean;
}

/** A line, and whose it is. */
export interface LogPiece extends LogLine {
  readonly replica: number;
  readonly attempt: number;
  readonly run: number;
  /** Set where this is no line, but word of what is missing: for people. */
  readonly notice?: string;
}

/** What is asked of one replica. */
type ReplicaRequest = LogRequest & { readonly replica: number };

interface LogDeps {
  readonly db: Database;
  readonly control: ControlPlane;
}

type Found =
  | { kind: 'kept'; log: KeptLog }
  | { kind: 'container'; key: ContainerKey; runtime: Runtime }
  /** There is no container yet; or, where it is over, there will be none. */
  | { kind: 'nothing'; over: boolean };

/** How soon a log is there after its container is. */
const waitMs = 500;
/** An end is written down within so long: where an engine or the database is busy, a listing may take that. */
const endNotedMs = 60_000;

/**
 * The lines, ready to be read. With `follow` they end when the containers do; one that has not started is waited for.
 * Throws `not_found` and `runtime_unreachable` before the first line.
 */
export async function openLog(
  deps: LogDeps,
  scope: Scope,
  request: LogRequest,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly pieces: AsyncIterable<LogPiece> }> {
  const source = await readLogSource(deps.db, scope, request.deploymentId);
  if (source === null) throw notFound('deployment');
  const attempt = request.attempt ?? source.attempt;
  if (attempt > source.attempt) {
    throw new ApiError('not_found', `There is no attempt ${attempt}: the latest is ${source.attempt}.`);
  }
  if (request.replica !== 'all' && request.replica >= source.replicas) {
    throw new ApiError(
      'not_found',
      `There is no replica ${request.replica}: they count from 0 to ${source.replicas - 1}.`,
    );
  }
  const wanted = request.replica === 'all' ? [...Array(source.replicas).keys()] : [request.replica];
  const logs = await Promise.all(
    wanted.map((replica) => openReplicaLog(deps, scope, source, { ...request, attempt, replica }, signal)),
  );
  return { name: source.name, pieces: request.follow ? asTheyCome(logs) : byTime(logs) };
}

async function openReplicaLog(
  deps: LogDeps,
  scope: Scope,
  source: LogSource,
  request: ReplicaRequest & { readonly attempt: number },
  signal: AbortSignal,
): Promise<AsyncGenerator<LogPiece>> {
  const { deploymentId, attempt, replica } = request;
  const run = await runOf(deps.db, request, attempt);
  const key = { clusterId: source.clusterId, deploymentId, attempt, replica, run };
  const found = await orUnreachable(find(deps, source, key));
  const pieces = piecesOf(deps, scope, request, key, found, signal);
  return request.follow ? pieces : orUnreachable(begun(pieces));
}

async function runOf(db: Database, request: ReplicaRequest, attempt: number): Promise<number> {
  const { deploymentId, replica, run } = request;
  const latest = await readLatestRun(db, deploymentId, { attempt, replica });
  if (run !== undefined && run > latest) {
    throw new ApiError('not_found', `There is no run ${run} of replica ${replica}: the latest is ${latest}.`);
  }
  return run ?? latest;
}

/** Looks in the archive first: a container is removed only after its log was kept. */
async function find({ db, control }: LogDeps, source: LogSource, key: ContainerKey): Promise<Found> {
  const log = await readArchivedLog(db, key);
  if (log !== null) return { kind: 'kept', log };
  const isLatest = key.attempt === source.attempt;
  if (isLatest && source.status === 'queued') return { kind: 'nothing', over: false };
  const runtime = control.runtimeOf(source.runtime, await engineOfReplica(db, key));
  const container = await runtime.inspect(key);
  if (container !== null && container.status !== 'created') return { kind: 'container', key, runtime };
  return { kind: 'nothing', over: !isLatest || isFinal(source.status) };
}

async function* piecesOf(
  deps: LogDeps,
  scope: Scope,
  request: ReplicaRequest,
  key: ContainerKey,
  first: Found,
  signal: AbortSignal,
): AsyncGenerator<LogPiece> {
  const { replica, attempt } = key;
  let [current, found, wanted] = [key, first, request];
  for (;;) {
    const { run } = current;
    for await (const line of linesOf(deps, scope, wanted, current, found, signal))
      yield { replica, attempt, run, ...line };
    // Who asked for one run, or for what there is, has got it.
    if (!request.follow || request.run !== undefined) return;
    const next = await nextRun(deps, scope, current, signal);
    if (next === null) return;
    // The last lines were counted in the run before.
    [current, found, wanted] = [next.key, next.found, { ...request, tail: undefined }];
  }
}

/** Waits until a replica whose run has ended is in its next one; null where there will be none. */
async function nextRun(
  deps: LogDeps,
  scope: Scope,
  key: ContainerKey,
  signal: AbortSignal,
): Promise<{ key: ContainerKey; found: Found } | null> {
  const until = performance.now() + endNotedMs;
  for (;;) {
    const source = await readLogSource(deps.db, scope, key.deploymentId);
    const place = await readReplicaPlace(deps.db, scope, key.deploymentId, key.replica);
    if (source === null || place === null || place.attempt !== key.attempt || isFinal(place.status)) return null;
    if (place.run !== null && place.run > key.run) {
      const next = { ...key, run: key.run + 1 };
      return { key: next, found: await find(deps, source, next) };
    }
    // Its end is written down a moment after it, or by the next listing.
    const mayGoOn =
      place.replicaStatus === 'restarting' || (place.replicaStatus === 'running' && performance.now() < until);
    if (!mayGoOn) return null;
    await sleep(waitMs, undefined, { signal });
  }
}

type LineOrNotice = LogLine & { readonly notice?: string };

async function* linesOf(
  deps: LogDeps,
  scope: Scope,
  request: ReplicaRequest,
  key: ContainerKey,
  first: Found,
  signal: AbortSignal,
): AsyncGenerator<LineOrNotice> {
  for (let found = first; ; found = await findAgain(deps, scope, key, signal)) {
    switch (found.kind) {
      case 'kept':
        yield* selected(found.log, request);
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
  { tail, since, stream, follow }: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<LogLine, boolean> {
  const options = {
    ...(tail !== undefined && { tail }),
    ...(since !== undefined && { since }),
    ...(stream !== undefined && { stream }),
    follow,
    signal,
  };
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

const notKept = 'what came before this was not kept: there was too much of it';

/** What was asked for of a kept log; where that begins before the log does, it is told. */
function selected({ lines, truncated }: KeptLog, { tail, since, stream }: LogRequest): readonly LineOrNotice[] {
  const written = stream === undefined ? lines : lines.filter((line) => line.stream === stream);
  const recent = since === undefined ? written : written.filter(({ at }) => at >= since);
  const wanted = tail === undefined ? recent : recent.slice(Math.max(0, recent.length - tail));
  const [first] = lines;
  if (!truncated || first === undefined || (since ?? first.at) > first.at || (tail ?? Infinity) <= recent.length) {
    return wanted;
  }
  return [{ stream: 'stderr', at: first.at, text: '', notice: notKept }, ...wanted];
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
