import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { Policy } from '../core/model.ts';
import { plan } from '../core/plan.ts';
import type { PassResult, Planner } from '../core/planner.ts';
import { type Submitted, withSubmitted } from '../core/preview.ts';
import { summaryOf } from '../core/waiting.ts';
import type { Solver } from '../solver/solver.ts';
import type { PolicyChange } from '../store/clusters.ts';
import { type Admitted, type AdmittedNow, commitPlan, recordPass } from '../store/commit-plan.ts';
import { commitPreemptions } from '../store/commit-preemptions.ts';
import type { Database, InTransaction } from '../store/database.ts';
import type { Held } from '../store/leases.ts';
import { readRuns } from '../store/runs.ts';
import {
  type ClusterHead,
  type ClusterSnapshot,
  readHead,
  readSnapshot,
  readState,
  usersOf,
} from '../store/snapshot.ts';
import { clustersWithQueue } from '../store/work.ts';
import { attributesOf, noteUntilNow } from '../tracing/spans.ts';
import { changedPolicy } from './changed-policy.ts';
import type { CurrentPlan, PassOutcome, PassSummary, PolicyPreview } from './control-plane.ts';
import type { Leases } from './leases.ts';
import { type Memory, memoryMsMax, recall } from './memory.ts';
import type { PassCounts } from './metrics/passes.ts';
import { createNearOptimum, type NearOptimum, type SolverUse } from './near-optimum.ts';
import { waitingDetail, waitingListed } from './pass-waiting.ts';
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
/** How old the plan may be that explains why something waits, where nothing is known to have changed since. */
const currentPlanMs = 500;
/** That of a long queue may be older, whatever has changed: a share of the time goes into explanations, and no more. */
const longQueue = 5_000;
const currentPlanShare = 0.2;
const currentPlanMsMax = 10_000;

export interface Scheduler {
  wake(clusterId: string): void;
  schedule(clusterId: string, options: PassOptions): Promise<PassOutcome>;
  currentPlan(clusterId: string): Promise<CurrentPlan>;
  preview(clusterId: string, submitted: Submitted): Promise<CurrentPlan>;
  previewPolicy(clusterId: string, change: PolicyChange): Promise<PolicyPreview>;
  close(): Promise<void>;
}

export class ClusterGone extends Error {
  constructor(readonly clusterId: string) {
    super(`cluster ${clusterId} is gone`);
  }
}

/** Another process has the cluster: passes are its. */
export class HeldElsewhere extends Error {
  constructor(readonly clusterId: string) {
    super(`another process has cluster ${clusterId}`);
  }
}

type Trigger = 'api' | 'automatic';

interface PassOptions {
  readonly dryRun: boolean;
  readonly trigger: Trigger;
}

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  /** Called after a commit with those that are to be started. */
  readonly onAdmitted: (admitted: readonly Admitted[]) => void;
  /** Called after a commit with those that were told to stop for others. */
  readonly onStopping?: (stopping: readonly Admitted[]) => void;
  readonly onPass?: (summary: PassSummary, counts: PassCounts) => void;
  readonly onFailed?: () => void;
  /** The exact solver; without it each plan stands as it is. */
  readonly solver?: Pick<Solver, 'ask'>;
  /** Which clusters are this process's; without it, all are, and there is nobody else. */
  readonly leases?: Pick<Leases, 'of' | 'claim'>;
  /** A cluster was woken that another process has. */
  readonly onElsewhere?: (clusterId: string) => void;
}

/** What the scheduler keeps in memory of a cluster: nothing that could not be lost. */
interface ClusterLoop {
  /** Ends when the passes asked for so far have: they take turns here, not at the database's lock with a connection each. */
  turn: Promise<unknown>;
  running: Promise<void> | null;
  wanted: boolean;
  lastPassMs: number;
  lastEndedAt: number;
  /** It admitted as many as one pass may. */
  wasFull: boolean;
  current: KnownPlan | null;
  memory: Memory | null;
}

/** The plan as it was when somebody asked for it. */
interface KnownPlan {
  readonly at: number;
  readonly promise: Promise<CurrentPlan>;
  /** Null while it is made. */
  made: { readonly tookMs: number; readonly queued: number } | null;
  /** Something has changed since. */
  isOld: boolean;
}

/** Runs passes: when woken, regularly where something waits, and on request. Passes over one cluster take turns. */
export function startScheduler(deps: Deps): Scheduler {
  const loops = new Map<string, ClusterLoop>();
  const nearOptimum = deps.solver === undefined ? null : createNearOptimum(deps.solver);
  let closed = false;

  const loopOf = (clusterId: string): ClusterLoop => {
    let loop = loops.get(clusterId);
    if (loop === undefined) {
      const none = { running: null, wasFull: false, current: null, memory: null };
      loop = { turn: Promise.resolve(), wanted: false, lastPassMs: 0, lastEndedAt: 0, ...none };
      loops.set(clusterId, loop);
    }
    return loop;
  };

  /** Passes over one cluster take turns; what is to be done with the planner is done before the next one. */
  function takeTurn<Answer>(
    clusterId: string,
    trigger: Trigger,
    answer: (pass: CommittedPass) => Answer,
  ): Promise<Answer> {
    const loop = loopOf(clusterId);
    const mine = loop.turn.then(async () => answer(await passNow(clusterId, loop, trigger)));
    loop.turn = mine.catch(() => undefined);
    return mine;
  }

  async function leaseFor(clusterId: string): Promise<Held | undefined> {
    const { leases } = deps;
    if (leases === undefined) return undefined;
    const lease = await leases.claim(clusterId);
    if (lease === null) throw new HeldElsewhere(clusterId);
    return lease;
  }

  async function passNow(clusterId: string, loop: ClusterLoop, trigger: Trigger): Promise<CommittedPass> {
    const startedAt = performance.now();
    const { memory } = loop;
    // It is lost with whatever goes wrong: what was not committed has not happened.
    loop.memory = null;
    const lease = await leaseFor(clusterId);
    // What it remembers from before it lost the cluster may be older than changes that are kept.
    const before = memory?.fence === lease?.fence ? memory : null;
    const committed = await runPass(deps.db, clusterId, { trigger, before, nearOptimum, lease });
    loop.memory = committed.memory;
    loop.lastPassMs = performance.now() - startedAt;
    loop.lastEndedAt = performance.now();
    const { summary, admitted, stopped } = committed;
    deps.onPass?.(summary, countsOf(committed));
    for (const { id, attempt, waitedSeconds, traceParent } of admitted) {
      const about = { deployment: id, cluster: clusterId, attempt, pass: summary.passId };
      deps.log.debug({ ...about, waited_s: waitedSeconds }, 'admitted');
      noteUntilNow(traceParent, 'queued', waitedSeconds, {
        ...attributesOf(id, attempt),
        'hypervisor.pass': summary.passId ?? '',
      });
    }
    if (stopped.length > 0) {
      for (const { id, attempt } of stopped) {
        const about = { deployment: id, cluster: clusterId, attempt, pass: summary.passId };
        deps.log.debug(about, 'told to stop for another');
      }
      noteChange(loop);
      deps.onStopping?.(stopped);
    }
    if (admitted.length > 0) {
      noteChange(loop);
      deps.onAdmitted(admitted);
    }
    // What it left is for the next one.
    loop.wasFull = committed.decided.places.length >= maxAdmissions;
    if (loop.wasFull) wake(clusterId);
    return committed;
  }

  function wake(clusterId: string): void {
    if (closed) return;
    const loop = loopOf(clusterId);
    noteChange(loop);
    loop.wanted = true;
    loop.running ??= runWanted(clusterId, loop);
  }

  async function runWanted(clusterId: string, loop: ClusterLoop): Promise<void> {
    // Let the callers of this turn of the event loop finish: their wakes are all served by this pass.
    await new Promise((resolve) => setImmediate(resolve));
    while (loop.wanted && !closed) {
      const rest = loop.lastEndedAt + Math.min(restShare * loop.lastPassMs, restMsMax) - performance.now();
      // Who is left over of a full pass has room already.
      if (rest > 1 && !loop.wasFull) await sleep(rest);
      loop.wanted = false;
      try {
        await takeTurn(clusterId, 'automatic', () => undefined);
      } catch (error) {
        if (error instanceof ClusterGone) {
          loops.delete(clusterId);
          break;
        }
        if (error instanceof HeldElsewhere) {
          deps.onElsewhere?.(clusterId);
          continue;
        }
        deps.onFailed?.();
        deps.log.error({ err: error, cluster: clusterId }, 'a pass failed; the next one tries again');
      }
    }
    loop.running = null;
  }

  const regular = repeat(regularPassMs, deps.log, 'regular passes', async () => {
    for (const loop of loops.values()) forgetIfOld(loop);
    for (const clusterId of await clustersWithQueue(deps.db)) {
      if (deps.leases !== undefined && deps.leases.of(clusterId) === null) continue;
      const loop = loopOf(clusterId);
      if (performance.now() - loop.lastEndedAt >= loop.lastPassMs / regularPassShare) wake(clusterId);
    }
  });

  return {
    wake,
    // A dry run holds no lock and waits for nobody.
    schedule: (clusterId, { dryRun: isDry, trigger }) =>
      isDry ? dryRun(deps.db, clusterId, nearOptimum) : takeTurn(clusterId, trigger, outcomeOf),
    currentPlan(clusterId) {
      const loop = loopOf(clusterId);
      if (loop.current !== null && isCurrent(loop.current)) return loop.current.promise;
      const promise = dryRun(deps.db, clusterId, nearOptimum);
      const known: KnownPlan = { at: performance.now(), promise, made: null, isOld: false };
      loop.current = known;
      noteMade(loop, known);
      return promise;
    },
    preview: (clusterId, submitted) => dryRun(deps.db, clusterId, nearOptimum, submitted),
    previewPolicy: (clusterId, change) => previewPolicy(deps.db, clusterId, nearOptimum, change),
    async close() {
      closed = true;
      await regular.stop();
      await Promise.all([...loops.values()].flatMap((loop) => [loop.turn, loop.running ?? Promise.resolve()]));
    },
  };
}

function noteChange({ current }: ClusterLoop): void {
  if (current !== null) current.isOld = true;
}

/** How long it took, and of how many: what says for how long it may serve. One that failed serves nobody. */
function noteMade(loop: ClusterLoop, known: KnownPlan): void {
  const made = async () => {
    const { snapshot } = await known.promise;
    known.made = { tookMs: performance.now() - known.at, queued: snapshot.queue.length };
  };
  made().catch(() => {
    if (loop.current === known) loop.current = null;
  });
}

function isCurrent({ at, made, isOld }: KnownPlan): boolean {
  const age = performance.now() - at;
  if (made !== null && made.queued >= longQueue) {
    return age < Math.min(made.tookMs / currentPlanShare, currentPlanMsMax);
  }
  return !isOld && age < currentPlanMs;
}

/** A cluster on which nothing happens costs no memory. */
function forgetIfOld(loop: ClusterLoop): void {
  if (loop.memory !== null && performance.now() - loop.memory.heardAt > memoryMsMax) loop.memory = null;
}

interface PassInputs {
  readonly trigger: Trigger;
  /** What was remembered before it. */
  readonly before: Memory | null;
  readonly nearOptimum: NearOptimum | null;
  readonly lease: Held | undefined;
}

/** What one pass decided, and what the exact solver had to do with it. */
interface Decided extends PassResult {
  readonly solver: SolverUse;
}

interface CommittedPass {
  readonly summary: PassSummary;
  readonly decided: Decided;
  readonly admitted: readonly AdmittedNow[];
  readonly stopped: readonly Admitted[];
  /** As it was decided upon. */
  readonly memory: Memory;
}

/**
 * One pass, in one transaction:
 *
 * 1. lock the cluster, and bring what is remembered of it up to date;
 * 2. plan (pure), nearer to the optimum where the exact solver knows better;
 * 3. commit what was decided: the constraints of the database have the last word.
 *
 * Tasks are sent after the commit, by the caller. Throws ClusterGone.
 */
async function runPass(
  db: Database,
  clusterId: string,
  { trigger, before, nearOptimum, lease }: PassInputs,
): Promise<CommittedPass> {
  const startedAt = performance.now();
  return db.transaction().execute(async (tx) => {
    const head = await readHead(tx, clusterId, { lock: true, lease });
    if (head === null) throw await whyNoHead(tx, clusterId, lease);
    const memory = { ...(await recall(tx, head, policyOf(head), before)), fence: lease?.fence };
    const { planner, nodeNames } = memory;
    const decided = await decide(planner, head.now, nearOptimum);
    const newId = uuidv7();
    const admitted = await commitPlan(tx, head, decided.places, (id) => nodeNames.get(id) ?? id, newId);
    const { stopped, records } = await commitPreemptions(tx, head, decided.preempts, newId);
    const passId = admitted.length + stopped.length > 0 ? newId : null;
    const detail = passId === null ? null : await waitingDetail(tx, head, planner, decided.waiting(waitingListed));
    const durationMs = performance.now() - startedAt;
    if (passId !== null && detail !== null) {
      await recordPass(tx, {
        id: passId,
        organizationId: head.organizationId,
        clusterId,
        trigger,
        queued: planner.queued,
        admitted: admitted.length,
        promoted: promotedIn(decided),
        reservations: decided.reservations.length,
        preemptions: records,
        quality: decided.quality,
        solver: decided.solver,
        durationMs,
        detail,
      });
    }
    return { summary: { passId, durationMs }, decided, admitted, stopped, memory };
  });
}

/** Somebody who took the lease is told from a cluster that was deleted. */
async function whyNoHead(tx: InTransaction, clusterId: string, lease: Held | undefined): Promise<Error> {
  const isThere = lease !== undefined && (await readHead(tx, clusterId, { lock: false })) !== null;
  return isThere ? new HeldElsewhere(clusterId) : new ClusterGone(clusterId);
}

async function decide(planner: Planner, now: number, nearOptimum: NearOptimum | null): Promise<Decided> {
  const own = planner.pass(now);
  if (nearOptimum?.mayPay(own.quality, planner.queued) !== true) return { ...own, solver: 'not_asked' };
  const { reservations, quality } = own;
  const whole = { decisions: own.decisions(), reservations, quality };
  const { plan: better, solver } = await nearOptimum.improve(whole, planner.snapshot(), planner.policy, now);
  if (better === whole) return { ...own, solver };
  const { decisions } = better;
  return {
    ...better,
    places: decisions.filter((decision) => decision.kind === 'place'),
    preempts: decisions.filter((decision) => decision.kind === 'preempt'),
    decisions: () => decisions,
    waiting: (limit) => summaryOf(decisions, limit),
    solver,
  };
}

function promotedIn({ places }: PassResult): number {
  return places.filter(({ promoted }) => promoted).length;
}

function countsOf({ decided, admitted, stopped }: CommittedPass): PassCounts {
  const { quality, solver } = decided;
  return { promoted: promotedIn(decided), preempted: stopped.length, quality, solver, admitted };
}

/** What it decided of everybody. */
function outcomeOf({ summary, decided, memory }: CommittedPass): PassOutcome {
  const { reservations, quality, solver } = decided;
  const decisions = decided.decisions();
  const snapshot = memory.planner.snapshot();
  return { ...summary, dryRun: false, solver, snapshot, plan: { decisions, reservations, quality } };
}

/**
 * Decides and commits nothing. Reads without locks, in one consistent snapshot of the database; with `submitted`, as if those had been
 * submitted.
 */
async function dryRun(
  db: Database,
  clusterId: string,
  nearOptimum: NearOptimum | null,
  submitted?: Submitted,
): Promise<PassOutcome> {
  const startedAt = performance.now();
  const read = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((tx) => readFor(tx, clusterId, submitted));
  if (read === null) throw new ClusterGone(clusterId);
  return decideOn(read, nearOptimum, startedAt);
}

/** What a pass would decide on this. */
async function decideOn(
  read: ClusterSnapshot,
  nearOptimum: NearOptimum | null,
  startedAt: number,
): Promise<PassOutcome> {
  const { snapshot } = read;
  const policy = policyOf(read);
  const own = plan(snapshot, policy, read.now);
  const near = await nearOptimum?.improve(own, snapshot, policy, read.now);
  const { plan: decided, solver } = near ?? { plan: own, solver: 'not_asked' as const };
  return { passId: null, dryRun: true, solver, durationMs: performance.now() - startedAt, snapshot, plan: decided };
}

/** Decides twice on one state: by the rules of the cluster, and by changed ones. */
async function previewPolicy(
  db: Database,
  clusterId: string,
  nearOptimum: NearOptimum | null,
  change: PolicyChange,
): Promise<PolicyPreview> {
  const read = await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const head = await readHead(tx, clusterId, { lock: false });
      if (head === null) throw new ClusterGone(clusterId);
      const changed = { ...head, policy: changedPolicy(head.policy, change, head.minRunTime) };
      // What is read of the queue depends on the rules: whether it is learned how long deployments run.
      const stateOf = async (of: ClusterHead) => ({ ...of, snapshot: await readState(tx, of, { lock: false }) });
      return { current: await stateOf(head), changed: await stateOf(changed) };
    });
  const current = await decideOn(read.current, nearOptimum, performance.now());
  return { current, changed: await decideOn(read.changed, nearOptimum, performance.now()) };
}

async function readFor(tx: InTransaction, clusterId: string, submitted: Submitted | undefined) {
  const read = await readSnapshot(tx, clusterId, { lock: false });
  if (read === null || submitted === undefined) return read;
  const snapshot = withSubmitted(read.snapshot, submitted, read.now);
  if (read.policy.backfill !== 'learned') return { ...read, snapshot };
  return { ...read, snapshot: { ...snapshot, runs: await readRuns(tx, clusterId, usersOf(snapshot.queue)) } };
}

function policyOf({ policy }: ClusterHead): Policy {
  return { ...policy, maxAdmissions };
}
