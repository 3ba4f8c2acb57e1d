/** Looks again and again, while all goes on, whether a promise is broken at that moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { isFinal } from '../../src/core/lifecycle.ts';
import type { ContainerKey } from '../../src/runtimes/runtime.ts';
import { checkContainers } from '../audit/containers.ts';
import { checkHoldings } from '../audit/holdings.ts';
import { type DatabaseState, type DeploymentState, stateQuery } from '../audit/state.ts';
import { until } from '../conformance/client.ts';
import type { EnginePort } from '../support/engine-port.ts';
import type { Findings } from './findings.ts';
import { runningOn } from './our-containers.ts';

type Key = Omit<ContainerKey, 'clusterId'>;

/** In the same statement: of the same moment. */
const query = `
  select s.*, (select coalesce(json_agg(c), '[]') from (
                 select deployment_id as "deploymentId", attempt, replica, run from simulated_container
                  where started_at is not null and ended_at is null and (ends_at is null or ends_at > clock_timestamp())) c) as running
    from (${stateQuery}) s`;

const lookMs = 700;
const stages: Readonly<Record<string, number>> = { queued: 0, starting: 1, running: 2, stopping: 3 };
const stageOf = ({ status }: Pick<DeploymentState, 'status'>) => stages[status] ?? 4;

export class Watch {
  readonly #db: pg.Pool;
  readonly #engine: EnginePort;
  readonly #installationId: string;
  readonly #findings: Findings;
  readonly #before = new Map<string, DeploymentState>();
  #isOver = false;
  #watching: Promise<void> | null = null;
  /** So often it was looked. */
  looks = 0;
  /** How many had ended when it was looked last. */
  ended = 0;

  constructor(db: pg.Pool, engine: EnginePort, installationId: string, findings: Findings) {
    this.#db = db;
    this.#engine = engine;
    this.#installationId = installationId;
    this.#findings = findings;
  }

  begin(): void {
    this.#watching = this.#keepLooking();
  }

  /** Looks once more, when all is over: what was seen last may be of before that, and a look may have failed. */
  async end(): Promise<void> {
    await this.stop();
    await until('it was looked at in the end', () => this.#lookAndCheck());
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  async #keepLooking(): Promise<void> {
    while (!this.#isOver) {
      await sleep(lookMs);
      await this.#lookAndCheck();
    }
  }

  /** False where nothing was seen. */
  async #lookAndCheck(): Promise<boolean> {
    // The database may be down at the moment.
    const seen = await this.#look().catch(() => null);
    if (seen !== null) this.#check(seen.state, seen.running);
    return seen !== null;
  }

  async #look(): Promise<{ state: DatabaseState; running: Key[] }> {
    const before = await runningOn(this.#engine, this.#installationId);
    const { rows } = await this.#db.query<DatabaseState & { running: Key[] }>(query);
    const after = new Set((await runningOn(this.#engine, this.#installationId)).map(({ id }) => id));
    const [state] = rows;
    if (state === undefined) throw new Error('the database says nothing');
    // Only who ran before and after it ran at the moment of which the database tells.
    return { state, running: [...state.running, ...before.filter(({ id }) => after.has(id))] };
  }

  #check(state: DatabaseState, running: readonly Key[]): void {
    this.looks += 1;
    this.ended = state.deployments.filter(({ status }) => isFinal(status)).length;
    this.#findings.check(() => checkHoldings(state));
    this.#findings.check(() => checkContainers(running, state));
    for (const deployment of state.deployments) this.#checkChange(deployment);
  }

  /** Between two looks more than one change may have been made; backwards leads none of them. */
  #checkChange(now: DeploymentState): void {
    const before = this.#before.get(now.id);
    this.#before.set(now.id, now);
    if (before === undefined) return;
    const isForward =
      now.attempt === before.attempt
        ? stageOf(now) >= stageOf(before)
        : now.attempt > before.attempt && !isFinal(before.status);
    const isKept = !isFinal(before.status) || (now.status === before.status && now.attempt === before.attempt);
    if (isForward && isKept) return;
    const [from, to] = [before, now].map(({ status, attempt }) => `${status} (${attempt})`);
    this.#findings.add('illegal change', `${now.id} went from ${from} to ${to}`);
  }
}
