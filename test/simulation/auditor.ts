/**
 * Knows what must hold after each step, whatever went wrong before it, and what must have come of everything in the end. It looks at
 * what the database has committed, at what the engine really runs, and at what people were promised.
 */
import { type DeploymentStatus, isActive, isFinal } from '../../src/core/lifecycle.ts';
import { checkContainers } from '../audit/containers.ts';
import { checkHoldings } from '../audit/holdings.ts';
import type { DatabaseState, DeploymentState } from '../audit/state.ts';
import { Violation } from '../audit/violation.ts';
import type { Engine } from './engine.ts';
import { outcomeFault } from './outcome.ts';
import type { Promises } from './people.ts';
import type { Scenario } from './scenario.ts';

type Before = Pick<DeploymentState, 'status' | 'attempt'>;

export class Auditor {
  readonly #scenario: Scenario;
  readonly #engine: Engine;
  readonly #promises: Promises;
  readonly #before = new Map<string, Before>();

  constructor(scenario: Scenario, engine: Engine, promises: Promises) {
    this.#scenario = scenario;
    this.#engine = engine;
    this.#promises = promises;
  }

  /** Throws a Violation. */
  audit(state: DatabaseState): void {
    checkHoldings(state);
    checkContainers(
      this.#engine.running.map(({ spec }) => spec.key),
      state,
    );
    for (const deployment of state.deployments) this.#checkChange(deployment);
    this.#checkPromises(state);
  }

  #checkChange({ id, status, attempt }: DeploymentState): void {
    const before = this.#before.get(id);
    this.#before.set(id, { status, attempt });
    if (before === undefined || (before.status === status && before.attempt === attempt)) return;
    const [from, to] = [`${before.status} (${before.attempt})`, `${status} (${attempt})`];
    const isLegal =
      !isFinal(before.status) &&
      (attempt === before.attempt
        ? stageOf(status) > stageOf(before.status)
        : attempt === before.attempt + 1 && status === 'queued' && isActive(before.status));
    if (!isLegal) throw new Violation('illegal change', `${id} went from ${from} to ${to}`);
  }

  #checkPromises({ deployments }: DatabaseState): void {
    const byId = new Map(deployments.map((deployment) => [deployment.id, deployment]));
    for (const id of this.#promises.submitted) {
      if (!byId.has(id)) throw new Violation('lost', `${id} was acknowledged, and is not there`);
    }
    for (const [id, attempt] of this.#promises.toEnd) {
      const now = byId.get(id);
      if (now === undefined) throw new Violation('lost', `${id} is not there`);
      if (now.attempt === attempt && (now.status === 'stopping' || isFinal(now.status))) continue;
      const what = `its end in attempt ${attempt} was acknowledged, and it is ${now.status} in attempt ${now.attempt}`;
      throw new Violation('acknowledged and not kept', `${id}: ${what}`);
    }
  }

  /**
   * Null once no job goes on, and each service that nobody ended is what it is to be, or waits for room that only services hold; else
   * what is not so.
   */
  whatIsAmiss({ deployments, replicas }: DatabaseState): Violation | null {
    const job = deployments.find(({ kind, status }) => kind === 'job' && isActive(status));
    if (job !== undefined)
      return new Violation('not ended in the end', `${job.id} is ${job.status} in attempt ${job.attempt}`);
    for (const service of deployments.filter(({ kind, status }) => kind === 'service' && !isFinal(status))) {
      const { id, attempt } = service;
      const goingOn = replicas.filter(
        (one) => one.deployment_id === id && one.attempt === attempt && one.status !== 'ended',
      );
      const fault = this.#isUndone(service)
        ? 'it was brought back to an earlier revision, and nothing of it had failed'
        : this.#faultOf(service, goingOn.length);
      if (fault !== null) return new Violation('acknowledged and not kept', `service ${id}: ${fault}`);
    }
    return null;
  }

  #faultOf({ id, status, replicas, updating, update_message: waits }: DeploymentState, goingOn: number): string | null {
    if (status === 'queued') return null;
    if (status !== 'running') return `it is ${status}`;
    if (updating) return waits === null ? 'it is being updated' : null;
    if (goingOn !== replicas) return `${goingOn} of its ${replicas} replicas go on`;
    const running = this.#engine.running.filter(({ spec }) => spec.key.deploymentId === id).length;
    return running === replicas ? null : `${running} of its ${replicas} containers run`;
  }

  /** What was acknowledged may be given up where what it is to be has failed. */
  #isUndone({ id, revision }: DeploymentState): boolean {
    if (revision >= (this.#promises.updated.get(id) ?? 0)) return false;
    const deployment = this.#promises.of(id)?.deployment;
    const mayFail = deployment?.restarts === true || deployment?.end === 'no-image' || deployment?.end === 'no-start';
    const isDisturbed = this.#scenario.faults.some(
      (fault) => fault.kind === 'vanish' || (fault.kind === 'partition' && fault.from === 'engine'),
    );
    return !mayFail && !isDisturbed;
  }

  /** Null once all has come to its end, and nothing of it is left; else what is not. */
  whatIsLeft({ deployments, replicas, allocations, runs_left: runsLeft }: DatabaseState): string | null {
    const open = deployments.find(({ status }) => !isFinal(status));
    if (open !== undefined) return `${open.id} is ${open.status} in attempt ${open.attempt}`;
    if (allocations.length > 0) return `${allocations.length} allocations are left`;
    const dirty = replicas.find(({ status, cleaned }) => status !== 'ended' || !cleaned);
    if (dirty !== undefined) return `a replica of ${dirty.deployment_id} is not cleaned up`;
    if (runsLeft > 0) return `${runsLeft} runs are not cleaned up`;
    if (this.#engine.containers.size > 0) return `${this.#engine.containers.size} containers are left`;
    return null;
  }

  /** What came of each, once all have ended. */
  auditEnd({ deployments }: DatabaseState): void {
    for (const deployment of deployments) {
      const asked = this.#promises.of(deployment.id);
      const fault =
        asked === undefined ? 'nobody submitted it' : outcomeFault(deployment, asked, this.#engine, this.#scenario);
      if (fault === null) continue;
      const { id, status, reason_code: code } = deployment;
      throw new Violation('wrong outcome', `${id} is ${status} (${code}), but ${fault}`);
    }
  }
}

const stages: Readonly<Partial<Record<DeploymentStatus, number>>> = { queued: 0, starting: 1, running: 2, stopping: 3 };
const stageOf = (status: DeploymentStatus) => stages[status] ?? 4;
