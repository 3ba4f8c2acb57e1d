/** People, and the API that answers them: what they were told is a promise. Who is not answered asks again. */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { defaultRetryReasons } from '../../src/core/retry.ts';
import type { Database } from '../../src/store/database.ts';
import { type NewDeployment, submitDeployments } from '../../src/store/submit.ts';
import { cancelDeployment, stopDeployment } from '../../src/store/transitions.ts';
import type { Hints } from './control-processes.ts';
import type { Scenario, SimulatedDeployment } from './scenario.ts';
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
    for (const { atMs, which, verb } of scenario.requests) {
      world.after(atMs, () => {
        const id = this.#ids[which % Math.max(1, this.#ids.length)];
        if (id !== undefined) this.#withdraw(id, verb);
      });
    }
  }

  /** A service runs until somebody ends it. */
  endServices(): void {
    for (const id of this.#ids) {
      if (this.#given.promises.of(id)?.deployment.kind === 'service') this.#withdraw(id, 'cancel');
    }
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
    this.#ask(async () => {
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
    this.#ask(async () => {
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

  /** Until there is an answer. Where the API's process dies meanwhile there never is one, and they ask the next. */
  #ask(request: () => Promise<void>): void {
    const { world } = this.#given;
    this.#unanswered += 1;
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
      } catch {
        if (mine === tries) world.after(againMs, () => void attempt());
      }
    };
    void attempt();
  }
}

/** What would never fit is refused when it is submitted: that is not the subject here. */
function fitting(wanted: SimulatedDeployment, nodes: Scenario['nodes']): SimulatedDeployment {
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
