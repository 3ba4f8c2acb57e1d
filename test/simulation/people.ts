/** People, and the API that answers them: what they were told is a promise. Who is not answered asks again. */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { defaultRetryReasons } from '../../src/core/retry.ts';
import type { Database } from '../../src/store/database.ts';
import { readDeployment } from '../../src/store/deployments.ts';
import { updateDeployment } from '../../src/store/revisions.ts';
import { type NewDeployment, submitDeployments } from '../../src/store/submit.ts';
import { cancelDeployment, stopDeployment } from '../../src/store/transitions.ts';
import type { Hints } from './control-processes.ts';
import type { Scenario, ServiceUpdate, SimulatedDeployment } from './scenario.ts';
import type { World } from './world.ts';

export interface Asked {
  readonly deployment: SimulatedDeployment;
  /** What people wanted of it, whether they were answered or not. */
  readonly requested: Set<'cancel' | 'stop'>;
}

/** What people were promised. */
export class Promises {
  readonly submitted = new Set<string>();
  /** In the attempt that was under way. */
  readonly toEnd = new Map<string, number>();
  /** What a service is to be, by its revision: the last that was acknowledged. */
  readonly updated = new Map<string, number>();
  readonly #asked = new Map<string, Asked>();

  add(id: string, asked: Asked): void {
    this.#asked.set(id, asked);
  }

  of(id: string): Asked | undefined {
    return this.#asked.get(id);
  }
}

interface Given {
  readonly world: World;
  readonly scenario: Scenario;
  readonly promises: Promises;
  readonly organizationId: string;
  readonly clusterId: string;
  /** Those of the API's process, as long as it lives. */
  readonly db: () => Database;
  readonly hints: Hints;
  readonly stopSoon: (deployments: readonly { readonly id: string; readonly attempt: number }[]) => void;
  /** An answer that comes before the commit: a fault that may be planted. */
  readonly answersEarly: boolean;
}

const againMs = 700;
const user = { userId: null } as const;

export class People {
  readonly #given: Given;
  readonly #ids: string[] = [];
  readonly #updates = new Map<string, Promise<void>>();
  #unanswered = 0;

  constructor(given: Given) {
    this.#given = given;
  }

  /** All have been answered. */
  get areContent(): boolean {
    return this.#unanswered === 0 && this.#ids.length === this.#given.scenario.deployments.length;
  }

  begin(): void {
    const { world, scenario } = this.#given;
    for (const [index, deployment] of scenario.deployments.entries()) {
      world.after(deployment.atMs, () => this.#submit(deployment, index));
    }
    for (const update of scenario.updates) world.after(update.atMs, () => this.#updateOne(update));
    for (const { atMs, which, verb } of scenario.requests) {
      world.after(atMs, () => {
        const id = this.#ids[which % Math.max(1, this.#ids.length)];
        if (id !== undefined) this.#withdraw(id, verb);
      });
    }
  }

  /** A service runs until somebody ends it. */
  endServices(): void {
    for (const id of this.#services) this.#withdraw(id, 'cancel');
  }

  get #services(): string[] {
    return this.#ids.filter((id) => this.#given.promises.of(id)?.deployment.kind === 'service');
  }

  #submit(deployment: SimulatedDeployment, index: number): void {
    const { world, promises, organizationId, clusterId, scenario } = this.#given;
    const random = Uint8Array.from({ length: 16 }, () => Math.floor(world.between(0, 256)));
    const id = uuidv7({ msecs: Math.floor(world.now), seq: index, random });
    this.#ids.push(id);
    const asked = { deployment: fitting(deployment, scenario.nodes), requested: new Set<'cancel' | 'stop'>() };
    promises.add(id, asked);
    const submission = {
      scope: { organizationId },
      actor: user,
      deployments: [newDeployment(id, clusterId, asked.deployment)],
      idempotency: { key: id, requestHash: createHash('sha256').update(id).digest() },
    };
    void this.#ask(async () => {
      const answer = submitDeployments(this.#given.db(), [submission]);
      if (this.#given.answersEarly) {
        answer.catch(() => undefined);
      } else {
        const [outcome] = await answer;
        if (outcome?.kind !== 'accepted' && outcome?.kind !== 'replayed') throw new Error('it was refused');
      }
      promises.submitted.add(id);
      this.#given.hints.wake(clusterId);
    });
  }

  #withdraw(id: string, verb: 'cancel' | 'stop'): void {
    const { promises, organizationId } = this.#given;
    promises.of(id)?.requested.add(verb);
    const change = verb === 'cancel' ? cancelDeployment : stopDeployment;
    void this.#ask(async () => {
      const outcome = await change(this.#given.db(), { organizationId }, id, user);
      // Its submission is still on its way, or was written just now.
      const isTooSoon = outcome.kind === 'unknown';
      if (isTooSoon && verb === 'cancel') throw new Error('it is not yet there to be cancelled');
      if (outcome.kind !== 'done') return;
      const { attempt, status } = outcome.deployment;
      promises.toEnd.set(id, attempt);
      if (status === 'stopping') this.#given.stopSoon([{ id, attempt }]);
      this.#given.hints.settle();
    });
  }

  #updateOne(update: ServiceUpdate): void {
    const services = this.#services;
    const id = services[update.which % Math.max(1, services.length)];
    if (id === undefined) return;
    // One after the other: of two at once, nobody could say which was the last.
    const before = this.#updates.get(id) ?? Promise.resolve();
    this.#updates.set(
      id,
      before.then(() => this.#update(id, update)),
    );
  }

  /** Goes by the version that was read, as `If-Match` does: what was given up and comes late, changes nothing. */
  #update(id: string, { replicas, ram, environment }: ServiceUpdate): Promise<void> {
    const { promises, organizationId, scenario, clusterId } = this.#given;
    const scope = { organizationId };
    return this.#ask(async () => {
      const db = this.#given.db();
      const row = await readDeployment(db, scope, id);
      if (row === null) throw new Error('its submission is still on its way');
      const outcome = await updateDeployment(
        db,
        scope,
        id,
        {
          version: row.version,
          why: 'updated',
          change(spec) {
            const size = { ram: ram ?? spec.ram_required, gpu: spec.gpu_required, replicas: replicas ?? spec.replicas };
            const fits = fitting(size, scenario.nodes);
            if (fits.replicas === 0) return spec;
            const env = environment ? { ...spec.env, REVISED: '1' } : spec.env;
            return { ...spec, env, ram_required: fits.ram, gpu_required: fits.gpu, replicas: fits.replicas };
          },
        },
        user,
      );
      if (outcome.kind === 'stale') throw new Error('it was changed just now');
      if (outcome.kind !== 'done') return;
      promises.updated.set(id, outcome.deployment.revision);
      this.#given.hints.wake(clusterId);
    });
  }

  /** Until there is an answer. Where the API's process dies meanwhile there never is one, and they ask the next. */
  #ask(request: () => Promise<void>): Promise<void> {
    const { world } = this.#given;
    this.#unanswered += 1;
    return new Promise((resolve) => {
      let isAnswered = false;
      let tries = 0;
      const attempt = async () => {
        if (isAnswered) return;
        const mine = ++tries;
        // A client gives up waiting at some time, too.
        world.after(5 * againMs, () => mine === tries && void attempt());
        try {
          await request();
          if (!isAnswered) this.#unanswered -= 1;
          isAnswered = true;
          resolve();
        } catch {
          if (mine === tries) world.after(againMs, () => void attempt());
        }
      };
      void attempt();
    });
  }
}

/** What would never fit is refused when it is submitted: that is not the subject here. */
function fitting<Wanted extends Pick<SimulatedDeployment, 'ram' | 'gpu' | 'replicas'>>(
  wanted: Wanted,
  nodes: Scenario['nodes'],
): Wanted {
  const slotsFor = (ram: number, gpu: number) =>
    nodes.reduce(
      (sum, node) => sum + Math.min(Math.floor(node.ram / ram), gpu === 0 ? 99 : Math.floor(node.gpu / gpu)),
      0,
    );
  const gpu = slotsFor(wanted.ram, wanted.gpu) > 0 ? wanted.gpu : 0;
  return { ...wanted, gpu, replicas: Math.min(wanted.replicas, slotsFor(wanted.ram, gpu)) };
}

function environmentOf({
  kind,
  runMs,
  end,
  ignoresTerm,
  restarts,
  timeLimitSeconds,
}: SimulatedDeployment): Record<string, string> {
  const code = end === 'badly' ? '1' : end === 'crashes-once' ? '1,0' : '0';
  // Some jobs end by their time limit alone.
  const runsOn = kind === 'service' ? !restarts : timeLimitSeconds !== null && end === 'well';
  return {
    ...(!runsOn && { SIM_RUN_MS: String(runMs), SIM_EXIT_CODE: code }),
    ...(end === 'no-start' && { SIM_START_FAIL: 'it is not to be started' }),
    ...(ignoresTerm && { SIM_IGNORE_TERM: '1' }),
  };
}

function newDeployment(id: string, clusterId: string, asked: SimulatedDeployment): NewDeployment {
  const { kind, ram, gpu, replicas, priority, end, timeLimitSeconds, retries, restarts } = asked;
  return {
    id,
    clusterId,
    array: null,
    dependencies: [],
    keepForSeconds: null,
    traceParent: null,
    scheduleId: null,
    name: `${kind}-${end}`,
    kind,
    dockerImage: end === 'no-image' ? 'missing/image' : 'simulated/job',
    command: null,
    env: environmentOf(asked),
    ports: [],
    labels: {},
    pullPolicy: 'missing',
    healthCheck: null,
    ram,
    cpu: 1,
    gpu,
    gpuModels: [],
    gpuMemory: 0,
    nodeLabels: {},
    maxPerNode: null,
    replicas,
    priority,
    timeLimitSeconds: kind === 'job' ? timeLimitSeconds : null,
    stopGraceSeconds: 1,
    volumes: [],
    secrets: [],
    files: [],
    network: 'shared',
    stopSignal: null,
    retry: kind === 'job' && retries > 0 ? { limit: retries, on: [...defaultRetryReasons], exit_codes: [] } : null,
    restart: kind === 'service' && restarts ? { policy: 'always', max_restarts: 2 } : null,
    updatePolicy: null,
  };
}
