/**
 * Knows what must hold after each step, whatever went wrong before it, and what must have come of everything in the end. It looks at
 * what the database has committed, at what the engine really runs, and at what people were promised.
 */
import { type DeploymentStatus, isActive, isFinal } from '../../src/core/lifecycle.ts';
import type { Container, Engine } from './engine.ts';
import { outcomeFault } from './outcome.ts';
import type { Promises } from './people.ts';
import type { Scenario } from './scenario.ts';
import type { AllocationState, DatabaseState, DeploymentState, DeviceState, NodeState } from './state.ts';

/** Which of the promises was broken. */
export type Rule =
  | 'over capacity'
  | 'lost'
  | 'run twice at once'
  | 'freed other than once'
  | 'acknowledged and not kept'
  | 'illegal change'
  | 'wrong outcome'
  | 'not ended in the end';

export class Violation extends Error {
  readonly rule: Rule;

  constructor(rule: Rule, message: string) {
    super(message);
    this.name = 'Violation';
    this.rule = rule;
  }
}

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
    for (const node of state.nodes) checkNode(node, state.allocations);
    for (const device of state.devices) checkDevice(device, state.allocations);
    checkHolders(state);
    this.#checkContainers(state);
    for (const deployment of state.deployments) this.#checkChange(deployment);
    this.#checkPromises(state);
  }

  /** Each that runs holds what it uses, and no other runs in its place. */
  #checkContainers({ allocations, replicas }: DatabaseState): void {
    const holding = new Set(allocations.map((one) => `${one.deployment_id}/${one.replica}/${one.attempt}`));
    // Its engine was silent for too long: it is stopped when that is back, before anything else is placed there.
    const givenUp = new Set(
      replicas
        .filter(({ reason_code: code }) => code === 'engine_lost')
        .map((one) => `${one.deployment_id}/${one.index}/${one.attempt}`),
    );
    const seen = new Map<string, Container>();
    for (const container of this.#engine.running) {
      const { deploymentId, attempt, replica, run } = container.spec.key;
      const name = `${deploymentId}/${replica}`;
      if (seen.has(name)) throw new Violation('run twice at once', `replica ${name} runs twice at once`);
      seen.set(name, container);
      if (holding.has(`${name}/${attempt}`) || givenUp.has(`${name}/${attempt}`)) continue;
      const what = `run ${run} of attempt ${attempt} of replica ${name}`;
      throw new Violation('over capacity', `${what} uses what it does not hold`);
    }
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

function checkNode(node: NodeState, allocations: readonly AllocationState[]): void {
  const held = allocations.filter((one) => one.node_id === node.id);
  for (const dimension of ['ram', 'cpu', 'gpu'] as const) {
    const sum = held.reduce((total, one) => total + one[dimension], 0);
    const counted = node[`${dimension}_allocated`];
    if (sum > node[dimension])
      throw new Violation('over capacity', `${sum} of ${node[dimension]} ${dimension} are held`);
    if (sum !== counted)
      throw new Violation('freed other than once', `${sum} ${dimension} are held, ${counted} counted`);
  }
}

function checkDevice(device: DeviceState, allocations: readonly AllocationState[]): void {
  let sum = 0;
  for (const one of allocations) {
    const place = one.node_id === device.node_id ? one.device_indexes.indexOf(device.index) : -1;
    if (place >= 0) sum += one.device_amounts[place] ?? 0;
  }
  if (sum > 1000) throw new Violation('over capacity', `${sum} of device ${device.index} are held`);
  if (sum !== device.allocated)
    throw new Violation(
      'freed other than once',
      `${sum} of device ${device.index} are held, ${device.allocated} counted`,
    );
}

/** Exactly those hold something that have a container, or are to have one. */
function checkHolders({ deployments, replicas, allocations }: DatabaseState): void {
  const attempts = new Map(
    deployments.filter(({ status }) => isActive(status)).map(({ id, attempt }) => [id, attempt]),
  );
  const entitled = new Set(
    replicas
      .filter((one) => one.status !== 'ended' && attempts.get(one.deployment_id) === one.attempt)
      .map((one) => `${one.deployment_id}/${one.attempt}/${one.index}`),
  );
  for (const { deployment_id: id, attempt, replica } of allocations) {
    if (!entitled.delete(`${id}/${attempt}/${replica}`))
      throw new Violation('freed other than once', `replica ${id}/${attempt}/${replica} has ended and holds something`);
  }
  for (const name of entitled)
    throw new Violation('freed other than once', `replica ${name} goes on and holds nothing`);
}
