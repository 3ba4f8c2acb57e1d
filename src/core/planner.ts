/**
 * The planner with a memory: it keeps the state of one cluster, is told what happens to it, and plans when asked. A pass costs
 * about what could start, not what waits.
 *
 * What it plans depends on the state alone, never on how the state came about: `pass(now)` decides what `plan` would on
 * `snapshot()`.
 */
import { decide, placesOf, preemptsOf } from './decide.ts';
import type {
  Claim,
  Decision,
  DeploymentState,
  Holding,
  Place,
  Policy,
  PortUse,
  Preempt,
  Quality,
  QueuedDeployment,
  Request,
  Reservation,
  Snapshot,
} from './model.ts';
import { runPass } from './plan.ts';
import { qualityOf } from './quality.ts';
import { Runs } from './runs.ts';
import { ClusterState } from './state.ts';
import { type WaitingSummary, waitingOf } from './waiting.ts';

/** What one pass decided. */
export interface PassResult {
  readonly places: readonly Place[];
  readonly preempts: readonly Preempt[];
  readonly reservations: readonly Reservation[];
  readonly quality: Quality;
  /** Everybody's standing, in the order of the scheduler; costs about the length of the queue. Only until something changes. */
  decisions(): readonly Decision[];
  /** Who waits and why, in short; costs about as much as the pass. Only until something changes. */
  waiting(limit: number): WaitingSummary;
}

export class Planner {
  policy: Policy;
  readonly #state: ClusterState;
  /** Counts what happened, so that nobody is told about a state that is gone. */
  #version = 0;

  constructor(snapshot: Snapshot, policy: Policy) {
    this.policy = policy;
    this.#state = new ClusterState(snapshot);
  }

  /** How many wait. */
  get queued(): number {
    return this.#state.queue.size;
  }

  /** A deployment enters the queue; false where it is queued already. */
  submit(deployment: QueuedDeployment): boolean {
    this.#version++;
    return this.#state.submit(deployment);
  }

  /** A deployment leaves the queue without being started; false where it is not queued. */
  withdraw(id: string): boolean {
    this.#version++;
    return this.#state.withdraw(id) !== undefined;
  }

  /** A queued deployment gets another priority, and keeps its age; false where it is not queued. */
  reprioritize(id: string, priority: number): boolean {
    this.#version++;
    const claim = this.#state.claims.get(id);
    const deployment = this.#state.withdraw(id);
    if (deployment === undefined) return false;
    if (claim !== undefined) this.#state.claims.set(id, claim);
    return this.#state.submit({ ...deployment, priority });
  }

  /**
   * A deployment has ended: what its replicas hold is free again. With the time (in milliseconds), it is learned how long it ran.
   * False where it holds nothing.
   */
  release(deploymentId: string, now?: number): boolean {
    this.#version++;
    return this.#state.release(deploymentId, now);
  }

  /** Somebody looked: from here on the deployment is as it was found, whatever was told before. */
  reconcile(deploymentId: string, state: DeploymentState): void {
    this.#version++;
    this.#state.reconcile(deploymentId, state);
  }

  /** These are all the claims that there are; to be told after who waits, since whoever leaves the queue loses its own. */
  setClaims(claims: readonly Claim[]): void {
    this.#version++;
    this.#state.setClaims(claims);
  }

  /** These are all the host ports that deployments of other clusters have. */
  setForeignPorts(uses: readonly PortUse[]): void {
    this.#version++;
    this.#state.setForeignPorts(uses);
  }

  /** Whether somebody waits who needs a host port: for the others, those of other clusters say nothing. */
  get wantsPorts(): boolean {
    for (const { shape } of this.#state.queue.lines) if (shape.hostPorts !== null) return true;
    return false;
  }

  /** By user, this is all that is known of how long their deployments ran: in milliseconds, the latest first. */
  setRuns(runs: NonNullable<Snapshot['runs']>): void {
    this.#version++;
    this.#state.runs = new Runs(runs);
  }

  holdingsOf(deploymentId: string): readonly Holding[] {
    return this.#state.holdingsOf(deploymentId);
  }

  /** Nothing new is placed on the node, or again. */
  setSchedulable(nodeId: string, schedulable: boolean): void {
    this.#version++;
    this.#state.setSchedulable(nodeId, schedulable);
  }

  /** Decides who starts now and where. Changes nothing: whoever is started is told to `start`. */
  pass(now: number): PassResult {
    const pass = runPass(this.#state, this.policy, now);
    const version = this.#version;
    const places = placesOf(pass);
    const preempts = preemptsOf(pass);
    pass.undo();
    const afterwards = <Answer>(look: () => Answer): Answer => {
      if (version !== this.#version) throw new Error('the state has changed since the pass');
      pass.redo();
      const answer = look();
      pass.undo();
      return answer;
    };
    return {
      places,
      preempts,
      reservations: pass.hold === null ? [] : [pass.hold.reservation],
      quality: qualityOf(pass),
      decisions: () => afterwards(() => decide(pass)),
      waiting: (limit) => afterwards(() => waitingOf(pass, limit)),
    };
  }

  /** What one that waits asks for; undefined where it is not queued. */
  requestOf(id: string): Request | undefined {
    return this.#state.queue.find(id)?.request;
  }

  /** These were started as the pass before decided: they leave the queue and hold what they were given. */
  start(places: readonly Place[], now: number): void {
    this.#version++;
    for (const { deploymentId, placements } of places) this.#state.start(deploymentId, placements, now);
  }

  /** Others were told to stop as the pass before decided: they are on their way out, and their room is spoken for. */
  preempt(preempts: readonly Preempt[]): void {
    this.#version++;
    for (const { deploymentId, placements, receipt } of preempts) {
      const victims = receipt.victims.map((victim) => victim.deploymentId);
      this.#state.preempt({ deploymentId, placements, victims });
    }
  }

  /** The state as it is now. */
  snapshot(): Snapshot {
    return this.#state.snapshot();
  }
}
