import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { Plan, Policy, Snapshot } from '../core/model.ts';
import { plan } from '../core/plan.ts';
import type { Solver } from '../solver/solver.ts';
import { type Admitted, commitPlan, recordPass } from '../store/commit-plan.ts';
import { commitPreemptions } from '../store/commit-preemptions.ts';
import type { Database } from '../store/database.ts';
import { type ClusterSnapshot, readSnapshot } from '../store/snapshot.ts';
import { clustersWithQueue } from '../store/work.ts';
import type { CurrentPlan, PassOutcome } from './control-plane.ts';
import { createNearOptimum, type Decided, type NearOptimum, type SolverUse } from './near-optimum.ts';
import { repeat } from './repeat.ts';

/** A pass is one short transaction: it admits at most so many, and the next one follows at once. */
const maxAdmissions = 500;
/** Without a wake, a cluster with a queue is looked at this often: age promotes, and wakes can be lost. */
const regularPassMs = 1_000;
/** A regular pass may take at most this share of the time: a long queue is looked at less often. */
const regularPassShare = 0.05;
/**
 * After a pass, a woken one waits for so many times as long as that took, up to a bound: under a storm of submissions most of
 * the time is left to accept them, and a short queue is answered at once all the same.
 */
const restShare = 2;
const restMsMax = 250;
/** How old the plan may be that explains why something waits. */
const currentPlanMs = 500;

export interface Scheduler {
  wake(clusterId: string): void;
  schedule(clusterId: string, options: PassOptions): Promise<PassOutcome>;
  currentPlan(clusterId: string): Promise<CurrentPlan>;
  close(): Promise<void>;
}

export class ClusterGone extends Error {
  constructor(readonly clusterId: string) {
    super(`cluster ${clusterId} is gone`);
  }
}

interface PassOptions {
  readonly dryRun: boolean;
  readonly trigger: 'api' | 'automatic';
}

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  /** Called after a commit with those that are to be started. */
  readonly onAdmitted: (admitted: readonly Admitted[]) => void;
  /** Called after a commit with those that were told to stop for others. */
  readonly onStopping?: (stopping: readonly Admitted[]) => void;
  readonly onPass?: (outcome: PassOutcome, admitted: number) => void;
  /** The exact solver; without it each plan stands as it is. */
  readonly solver?: Pick<Solver, 'ask'>;
}

/** What the scheduler keeps in memory of a cluster: nothing that could not be lost. */
interface ClusterLoop {
  /** Ends when the passes asked for so far have: they take turns here, not at the database's lock with a connection each. */
  turn: Promise<unknown>;
  running: Promise<void> | null;
  wanted: boolean;
  lastPassMs: number;
  lastEndedAt: number;
  current: { at: number; promise: Promise<CurrentPlan> } | null;
}

/** Runs passes: when woken, regularly where something waits, and on request. Passes over one cluster take turns. */
export function startScheduler(deps: Deps): Scheduler {
  const loops = new Map<string, ClusterLoop>();
  const nearOptimum = deps.solver === undefined ? null : createNearOptimum(deps.solver);
  let closed = false;

  const loopOf = (clusterId: string): ClusterLoop => {
    let loop = loops.get(clusterId);
    if (loop === undefined) {
      loop = { turn: Promise.resolve(), running: null, wanted: false, lastPassMs: 0, lastEndedAt: 0, current: null };
      loops.set(clusterId, loop);
    }
    return loop;
  };

  function pass(clusterId: string, options: PassOptions): Promise<PassOutcome> {
    const loop = loopOf(clusterId);
    // A dry run holds no lock and waits for nobody.
    if (options.dryRun) return dryRun(deps.db, clusterId, nearOptimum).then(({ outcome }) => outcome);
    const mine = loop.turn.then(() => passNow(clusterId, loop, options.trigger));
    loop.turn = mine.catch(() => undefined);
    return mine;
  }

  async function passNow(clusterId: string, loop: ClusterLoop, trigger: PassOptions['trigger']): Promise<PassOutcome> {
    const startedAt = performance.now();
    const { outcome, admitted, stopped } = await runPass(deps.db, clusterId, trigger, nearOptimum);
    loop.lastPassMs = performance.now() - startedAt;
    loop.lastEndedAt = performance.now();
    deps.onPass?.(outcome, admitted.length);
    if (stopped.length > 0) {
      loop.current = null;
      deps.onStopping?.(stopped);
    }
    if (admitted.length > 0) {
      loop.current = null;
      deps.onAdmitted(admitted);
      // The pass was full, or somebody was cancelled meanwhile: what they left is for the next one.
      if (admitted.length >= maxAdmissions) wake(clusterId);
    }
    return outcome;
  }

  function wake(clusterId: string): void {
    if (closed) return;
    const loop = loopOf(clusterId);
    loop.current = null;
    loop.wanted = true;
    loop.running ??= runWanted(clusterId, loop);
  }

  async function runWanted(clusterId: string, loop: ClusterLoop): Promise<void> {
    // Let the callers of this turn of the event loop finish: their wakes are all served by this pass.
    await new Promise((resolve) => setImmediate(resolve));
    while (loop.wanted && !closed) {
      const rest = loop.lastEndedAt + Math.min(restShare * loop.lastPassMs, restMsMax) - performance.now();
      if (rest > 1) await sleep(rest);
      loop.wanted = false;
      try {
        await pass(clusterId, { dryRun: false, trigger: 'automatic' });
      } catch (error) {
        if (error instanceof ClusterGone) {
          loops.delete(clusterId);
          break;
        }
        deps.log.error({ err: error, cluster: clusterId }, 'a pass failed; the next one tries again');
      }
    }
    loop.running = null;
  }

  const regular = repeat(regularPassMs, deps.log, 'regular passes', async () => {
    for (const clusterId of await clustersWithQueue(deps.db)) {
      const loop = loopOf(clusterId);
      if (performance.now() - loop.lastEndedAt >= loop.lastPassMs / regularPassShare) wake(clusterId);
    }
  });

  return {
    wake,
    schedule: pass,
    currentPlan(clusterId) {
      const loop = loopOf(clusterId);
      if (loop.current !== null && performance.now() - loop.current.at < currentPlanMs) return loop.current.promise;
      const promise = dryRun(deps.db, clusterId, nearOptimum).then(({ outcome }) => outcome);
      loop.current = { at: performance.now(), promise };
      promise.catch(() => {
        loop.current = null;
      });
      return promise;
    },
    async close() {
      closed = true;
      await regular.stop();
      await Promise.all([...loops.values()].flatMap((loop) => [loop.turn, loop.running ?? Promise.resolve()]));
    },
  };
}

/**
 * One pass, in one transaction:
 *
 * 1. lock the cluster and read its snapshot;
 * 2. plan (pure), nearer to the optimum where the exact solver knows better;
 * 3. commit what was decided: the constraints of the database have the last word.
 *
 * Tasks are sent after the commit, by the caller. Throws ClusterGone.
 */
async function runPass(
  db: Database,
  clusterId: string,
  trigger: 'api' | 'automatic',
  nearOptimum: NearOptimum | null,
): Promise<{ outcome: PassOutcome; admitted: Admitted[]; stopped: readonly Admitted[] }> {
  const startedAt = performance.now();
  return db.transaction().execute(async (tx) => {
    const read = await readSnapshot(tx, clusterId, { lock: true });
    if (read === null) throw new ClusterGone(clusterId);
    const { plan: decided, solver } = await decide(read, nearOptimum);
    const admitted = await commitPlan(tx, read, decided);
    const preempts = decided.decisions.filter((decision) => decision.kind === 'preempt');
    const { stopped, records } = await commitPreemptions(tx, read, preempts);
    const durationMs = performance.now() - startedAt;
    const passId = admitted.length + stopped.length > 0 ? uuidv7() : null;
    if (passId !== null) {
      await recordPass(tx, {
        id: passId,
        organizationId: read.organizationId,
        clusterId,
        trigger,
        queued: read.snapshot.queue.length,
        admitted: admitted.length,
        promoted: decided.decisions.filter((decision) => decision.kind === 'place' && decision.promoted).length,
        reservations: decided.reservations.length,
        preemptions: records,
        quality: decided.quality,
        solver,
        durationMs,
      });
    }
    return {
      outcome: outcomeOf(read.snapshot, decided, { passId, dryRun: false, solver, durationMs }),
      admitted,
      stopped,
    };
  });
}

/** Decides and commits nothing. Reads without locks, in one consistent snapshot of the database. */
async function dryRun(
  db: Database,
  clusterId: string,
  nearOptimum: NearOptimum | null,
): Promise<{ outcome: PassOutcome; admitted: Admitted[] }> {
  const startedAt = performance.now();
  const read = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((tx) => readSnapshot(tx, clusterId, { lock: false }));
  if (read === null) throw new ClusterGone(clusterId);
  const { plan: decided, solver } = await decide(read, nearOptimum);
  const durationMs = performance.now() - startedAt;
  return {
    outcome: outcomeOf(read.snapshot, decided, { passId: null, dryRun: true, solver, durationMs }),
    admitted: [],
  };
}

/** The plan for what was read. */
async function decide(read: ClusterSnapshot, nearOptimum: NearOptimum | null): Promise<Decided> {
  const policy = policyOf(read);
  const own = plan(read.snapshot, policy, read.now);
  if (nearOptimum === null) return { plan: own, solver: 'not_asked' };
  return nearOptimum.improve(own, read.snapshot, policy, read.now);
}

function policyOf(read: ClusterSnapshot): Policy {
  return { ...read.policy, maxAdmissions };
}

function outcomeOf(
  snapshot: Snapshot,
  decided: Plan,
  rest: { passId: string | null; dryRun: boolean; solver: SolverUse; durationMs: number },
): PassOutcome {
  return { ...rest, snapshot, plan: decided };
}
