/**
 * Replays a trace through the production planner on virtual time. Time jumps from one event to the next: a submission, an end,
 * a cancellation, or the moment at which age alone may change something. After all events of one instant there is a pass, as
 * the control plane makes one when something was submitted or has ended.
 *
 * The control plane also makes a pass each second while somebody waits, since age promotes. None of them can start anybody
 * whom the pass before it could not: each pass leaves nobody out who would fit, and between events no room comes free. What
 * age does change is for whom room is kept: a pass is made when somebody becomes overdue and nothing is kept yet. Where
 * others may be stopped for the more important, a pass is also made when somebody has run for long enough to be stopped.
 *
 * Nothing else takes time here: a deployment runs from the instant in which it was started, and is gone in the instant in which
 * it is stopped for another. It then waits again, with its age, and begins anew.
 */
import { EmptyCluster } from '../core/capacity.ts';
import type { Placement, QueuedDeployment } from '../core/model.ts';
import { type PassResult, Planner } from '../core/planner.ts';
import { add, nothing } from '../core/resources.ts';
import { EventHeap } from './event-heap.ts';
import { Occupancy } from './occupancy.ts';
import type { Fate, NamedPolicy, PassTotals, Replay } from './replay.ts';
import { Timeline } from './timeline.ts';
import type { Trace, TraceDeployment } from './trace.ts';

export interface SimulateOptions {
  /** Stop so many milliseconds after the first submission; null: when everything has ended. */
  readonly until: number | null;
  /** Told now and then how many of the deployments are over. */
  readonly onProgress?: (over: number, of: number) => void;
}

/**
 * `number` is the place of the deployment in the trace. `ripe`: it has run for so long that it may be stopped for another.
 * `attempt` tells the end of an attempt from that of one before, which was stopped.
 */
interface Event {
  readonly kind: 'end' | 'cancel' | 'overdue' | 'ripe';
  readonly number: number;
  readonly attempt: number;
}

export function simulate(trace: Trace, policy: NamedPolicy, options: SimulateOptions): Replay {
  const simulation = new Simulation(trace, policy);
  const from = trace.deployments[0]?.submittedAt ?? 0;
  const last = options.until === null ? Number.POSITIVE_INFINITY : from + options.until;
  for (let instants = 0; !simulation.isDone && simulation.nextAt <= last; instants++) {
    simulation.step();
    if (instants % 256 === 0) options.onProgress?.(simulation.over, trace.deployments.length);
  }
  // What is not over by then goes on until the end that was asked for.
  const isCut = options.until !== null && simulation.over < trace.deployments.length;
  return simulation.result(from, isCut ? last : simulation.changedAt);
}

class Simulation {
  readonly #trace: Trace;
  readonly #policy: NamedPolicy;
  readonly #planner: Planner;
  readonly #occupancy: Occupancy;
  readonly #timeline: Timeline;
  readonly #events = new EventHeap<Event>();
  /** Events at which something ends or is given up: when there are none, and nobody comes, nothing happens any more. */
  #toCome = 0;
  readonly #fates: Fate[] = [];
  /** By number: where those stand that run. */
  readonly #running = new Map<number, readonly Placement[]>();
  readonly #empty: EmptyCluster;
  readonly #passes: PassTotals = { passes: 0, admitted: 0, bound: 0, proven: 0 };
  /** Whether the last pass kept room for somebody. */
  #isKeeping = false;
  over = 0;
  /** When something happened last. */
  changedAt: number;

  constructor(trace: Trace, policy: NamedPolicy) {
    this.#trace = trace;
    this.#policy = policy;
    this.changedAt = trace.deployments[0]?.submittedAt ?? 0;
    this.#planner = new Planner({ nodes: trace.nodes, queue: [], holdings: [] }, policy.policy);
    this.#occupancy = new Occupancy(trace);
    this.#timeline = new Timeline(trace.nodes.reduce((sum, node) => add(sum, node.total), nothing));
    this.#empty = new EmptyCluster(trace.nodes);
  }

  get isDone(): boolean {
    return this.#toCome === 0 && this.#fates.length === this.#trace.deployments.length;
  }

  /** When something happens next; infinite where nothing does any more. */
  get nextAt(): number {
    if (this.isDone) return Number.POSITIVE_INFINITY;
    return Math.min(this.#events.nextAt, this.#nextSubmission?.submittedAt ?? Number.POSITIVE_INFINITY);
  }

  get #nextSubmission(): TraceDeployment | undefined {
    return this.#trace.deployments[this.#fates.length];
  }

  /** Everything that happens at the next instant, and the passes after it. */
  step(): void {
    const now = this.nextAt;
    let changed = false;
    // 1. Who ends makes room, who gives up leaves the queue; then the new ones come.
    while (this.#events.nextAt === now) changed = this.#happen(this.#events.take(), now) || changed;
    for (let next = this.#nextSubmission; next?.submittedAt === now; next = this.#nextSubmission) {
      this.#submit(next, now);
      changed = true;
    }
    if (!changed) return;
    this.changedAt = now;
    // 2. Passes: a further one where one started as many as a pass may, or stopped somebody.
    while (this.#planner.queued > 0) {
      const result = this.#planner.pass(now);
      this.#count(result);
      this.#start(result, now);
      this.#preempt(result, now);
      if (result.preempts.length === 0 && result.places.length < this.#policy.policy.maxAdmissions) break;
    }
    if (this.#planner.queued === 0) this.#isKeeping = false;
    // 3. Write down how the cluster looks from now on.
    this.#record(now);
  }

  /** False where the event changes nothing: then there is no need of a pass. */
  #happen(event: Event | undefined, now: number): boolean {
    if (event === undefined) return false;
    const fate = this.#fates[event.number] as Fate;
    const isCurrent = fate.outcome === 'running' && fate.preempted === event.attempt;
    switch (event.kind) {
      case 'overdue':
        return fate.outcome === 'queued' && !this.#isKeeping;
      case 'ripe':
        return isCurrent && this.#planner.queued > 0;
      case 'cancel':
        this.#toCome--;
        return this.#cancel(event.number, fate, now);
      case 'end':
        this.#toCome--;
        if (!isCurrent) return false;
        this.#end(event.number, fate, now, endOf(fate.deployment));
        return true;
    }
  }

  #submit(deployment: TraceDeployment, now: number): void {
    const number = this.#fates.length;
    if (this.#empty.verdict(deployment.request) !== null) {
      this.#fates.push({ deployment, outcome: 'refused', startedAt: null, endedAt: now, ...unstopped });
      this.over++;
      return;
    }
    this.#fates.push({ deployment, outcome: 'queued', startedAt: null, endedAt: null, ...unstopped });
    this.#planner.submit(queuedDeployment(number, deployment));
    if (deployment.cancelledAt !== null)
      this.#expect(Math.max(now, deployment.cancelledAt), { kind: 'cancel', number, attempt: 0 });
    const overdueAt = now + this.#policy.policy.reservationAfter + 1;
    if (Number.isFinite(overdueAt)) this.#events.add(overdueAt, { kind: 'overdue', number, attempt: 0 });
  }

  #expect(at: number, event: Event): void {
    this.#toCome++;
    this.#events.add(at, event);
  }

  /** Whoever gave up in reality before it was started gives up here as well, whether it runs by now or not. */
  #cancel(number: number, fate: Fate, now: number): boolean {
    if (fate.outcome !== 'queued' && fate.outcome !== 'running') return false;
    if (fate.outcome === 'queued') this.#planner.withdraw(idOf(number));
    this.#end(number, fate, now, 'cancelled');
    return true;
  }

  #end(number: number, fate: Fate, now: number, outcome: Fate['outcome']): void {
    fate.outcome = outcome;
    fate.endedAt = now;
    this.over++;
    this.#release(number, now);
  }

  /** What it holds is free again; where it holds nothing, nothing happens. */
  #release(number: number, now: number): void {
    const placements = this.#running.get(number);
    if (placements === undefined) return;
    this.#running.delete(number);
    this.#planner.release(idOf(number), now);
    this.#occupancy.give(placements);
  }

  #count({ quality, reservations }: PassResult): void {
    this.#passes.passes++;
    this.#passes.admitted += quality.admitted;
    this.#passes.bound += quality.bound;
    if (quality.proven) this.#passes.proven++;
    this.#isKeeping = reservations.length > 0;
  }

  #start({ places }: PassResult, now: number): void {
    this.#planner.start(places, now);
    for (const { deploymentId, placements } of places) {
      const number = Number(deploymentId);
      const fate = this.#fates[number] as Fate;
      fate.outcome = 'running';
      fate.startedAt = now;
      this.#running.set(number, placements);
      this.#occupancy.take(placements);
      const runs = shortest(fate.deployment.runTime, fate.deployment.timeLimit);
      const attempt = fate.preempted;
      if (runs !== null) this.#expect(now + runs, { kind: 'end', number, attempt });
      const ripeAfter = this.#policy.policy.preemption?.minRunTime;
      if (ripeAfter !== undefined) this.#events.add(now + ripeAfter, { kind: 'ripe', number, attempt });
    }
  }

  /** Stops those who were chosen, and queues them again. For whom they went is started by the pass that follows. */
  #preempt({ preempts }: PassResult, now: number): void {
    this.#planner.preempt(preempts);
    for (const { deploymentId } of preempts.flatMap(({ receipt }) => receipt.victims)) {
      const number = Number(deploymentId);
      const fate = this.#fates[number] as Fate;
      this.#release(number, now);
      fate.lost += now - (fate.startedAt ?? now);
      fate.preempted++;
      fate.outcome = 'queued';
      fate.startedAt = null;
      this.#planner.submit(queuedDeployment(number, fate.deployment));
    }
  }

  #record(now: number): void {
    const { inUse, fragmented, stranded } = this.#occupancy;
    this.#timeline.add(now, {
      ...inUse,
      queued: this.#planner.queued,
      running: this.#running.size,
      fragmented,
      stranded_ram: stranded.ram,
      stranded_cpu: stranded.cpu,
      stranded_gpu: stranded.gpu,
    });
  }

  result(from: number, to: number): Replay {
    return { policy: this.#policy, fates: this.#fates, passes: this.#passes, timeline: this.#timeline, from, to };
  }
}

const unstopped = { preempted: 0, lost: 0 };

/** The planner knows deployments by their place in the trace, so that of one instant the first of the file comes first. */
function idOf(number: number): string {
  return String(number).padStart(9, '0');
}

function queuedDeployment(number: number, deployment: TraceDeployment): QueuedDeployment {
  const { request, priority, submittedAt, timeLimit, kind, user } = deployment;
  return {
    id: idOf(number),
    request,
    priority,
    queuedAt: submittedAt,
    timeLimit,
    ...(kind === 'service' && { isService: true }),
    ...(user !== null && { user }),
  };
}

function shortest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

/** What it ends with, where nobody gives it up: it is stopped by its limit where it would run longer. */
function endOf({ runTime, timeLimit, ends }: TraceDeployment): Fate['outcome'] {
  return timeLimit !== null && (runTime === null || runTime > timeLimit) ? 'timed_out' : ends;
}
