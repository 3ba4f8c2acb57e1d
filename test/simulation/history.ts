/** Runs one history from its beginning to its end, audits each step, and tells what was found. */
import './gzip-at-once.ts';
import type { DatabaseState } from '../audit/state.ts';
import { type Rule, Violation } from '../audit/violation.ts';
import { Auditor } from './auditor.ts';
import { type Hints, type Ports, startActing, startDeciding, startDecidingAmongOthers } from './control-processes.ts';
import { databasePort } from './database-port.ts';
import type { DatabaseServer } from './database-server.ts';
import { Engine } from './engine.ts';
import { membershipOf } from './membership.ts';
import { People, Promises } from './people.ts';
import { type PlantedBug, rewriteOf } from './planted-bugs.ts';
import { type Party, SimulatedProcess } from './process.ts';
import { SimulatedQueue } from './queue.ts';
import { runtimePort } from './runtime-port.ts';
import { type Fault, type Scenario, type SimulationNoise, troubleMsOf } from './scenario.ts';
import { readState } from './state.ts';
import { World } from './world.ts';

export interface Outcome {
  readonly found: { readonly rule: Rule | 'broken'; readonly message: string } | null;
  /** The same for the same scenario. */
  readonly hash: string;
  readonly trace: readonly string[];
  readonly events: number;
  readonly simulatedMs: number;
  /** False where a planted fault was never met. */
  readonly planted: boolean;
}

/** After the trouble, everything has to have come to its end within so long. */
const endMsMax = 150_000;
/** And before that, each service has to be what it is to be, and who waits, only for room. */
const servicesMsMax = 150_000;
const calm: SimulationNoise = {
  cut: 0,
  latencyMsMax: 40,
  lostTasks: 0,
  doubledTasks: 0,
  taskDelayMsMax: 20,
  lostEvents: 0,
  doubledEvents: 0,
  eventDelayMsMax: 20,
  pullMsMax: 1,
};
const organizationId = '00000000-0000-7000-8000-000000000001';
const clusterId = '00000000-0000-7000-8000-000000000002';

type Role = 'deciding' | 'acting' | 'api';

/** A process that is started anew whenever it has crashed. */
interface Place {
  readonly name: string;
  readonly roles: readonly Role[];
  process: SimulatedProcess;
  /** What it can be told, where it decides and is up. */
  deciding: Hints | null;
}

class History {
  readonly #scenario: Scenario;
  readonly #server: DatabaseServer;
  readonly #bug: PlantedBug | null;
  readonly #rewrite: ReturnType<typeof rewriteOf>;
  readonly #world: World;
  readonly #engine: Engine;
  readonly #queue: SimulatedQueue;
  readonly #promises = new Promises();
  readonly #places: Place[] = [];
  readonly #people: People;
  readonly #troubleMs: number;
  readonly #auditor: Auditor;
  /** Processes that were ever begun. */
  #begun = 0;
  #passedBy: SimulatedProcess | null = null;
  #leaseIds = new Map<SimulatedProcess, string>();
  #servicesEndedAt: number | null = null;
  #ports: Ports | null = null;
  #noise: SimulationNoise;
  #isWritten = true;
  #state: DatabaseState | null = null;

  constructor(server: DatabaseServer, scenario: Scenario, bug: PlantedBug | null, options: { trace: boolean }) {
    this.#server = server;
    this.#scenario = scenario;
    this.#bug = bug;
    this.#rewrite = rewriteOf(bug);
    this.#noise = scenario.noise;
    this.#troubleMs = troubleMsOf(scenario);
    this.#world = new World(scenario.dice, server, options);
    server.keepTime(() => this.#world.databaseTime);
    this.#engine = new Engine(this.#world);
    this.#queue = new SimulatedQueue(this.#world, () => this.#noise);
    this.#auditor = new Auditor(scenario, this.#engine, this.#promises);
    this.#people = new People({
      world: this.#world,
      scenario,
      promises: this.#promises,
      organizationId,
      clusterId,
      db: () => this.#api().db,
      hints: this.#hints(),
      stopSoon: (all) =>
        void this.#api()
          .queue.send(all.map(({ id, attempt }) => ({ kind: 'stop', deploymentId: id, attempt })))
          .catch(() => undefined),
      answersEarly: bug?.answersEarly ?? false,
    });
  }

  async run(): Promise<Outcome> {
    let found: Outcome['found'] = null;
    try {
      this.#begin();
      await this.#goOn();
    } catch (error) {
      const rule = error instanceof Violation ? error.rule : 'broken';
      found = { rule, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      if (error instanceof Violation) found = { rule, message: error.message };
    }
    for (const { process } of this.#places) if (process.isAlive) process.crash();
    await this.#server.settle();
    const { events, now: simulatedMs } = this.#world;
    return { found, ...this.#world.end(), events, simulatedMs, planted: this.#rewrite.applied() > 0 };
  }

  #begin(): void {
    const { topology, faults } = this.#scenario;
    for (const [name, roles] of topologies[topology]) {
      const place = { name, roles, process: this.#newProcess(name), deciding: null };
      this.#places.push(place);
      this.#boot(place);
    }
    this.#people.begin();
    for (const fault of faults) this.#world.after(fault.atMs, () => this.#strike(fault));
    this.#world.after(this.#troubleMs, () => this.#mend());
  }

  async #goOn(): Promise<void> {
    let version = -1;
    let left: string | null = 'nothing has happened';
    while (left !== null) {
      await this.#world.step();
      if (this.#world.now > (this.#servicesEndedAt ?? this.#troubleMs + servicesMsMax) + endMsMax)
        throw new Violation('not ended in the end', left);
      await this.#checkLease();
      if (this.#isWritten || this.#state === null) {
        this.#isWritten = false;
        this.#state = await readState(this.#server);
        version = -1;
      }
      if (version !== this.#engine.version) {
        version = this.#engine.version;
        this.#auditor.audit(this.#state);
      }
      left = this.#whatIsLeft(this.#state);
    }
    if (this.#state !== null) this.#auditor.auditEnd(this.#state);
  }

  #whatIsLeft(state: DatabaseState): string | null {
    if (this.#world.now < this.#troubleMs) return 'the trouble is not over';
    if (!this.#people.areContent) return 'people were not answered';
    if (this.#servicesEndedAt === null) return this.#endServices(state);
    return this.#auditor.whatIsLeft(state);
  }

  /** Once each is what it is to be. */
  #endServices(state: DatabaseState): string {
    const amiss = this.#auditor.whatIsAmiss(state);
    if (amiss === null) {
      this.#servicesEndedAt = this.#world.now;
      this.#people.endServices();
    } else if (this.#world.now > this.#troubleMs + servicesMsMax) {
      throw amiss;
    }
    return 'services go on';
  }

  /** A pass is of the one who has the lease: the lock that it holds keeps it from being taken in the middle. */
  async #checkLease(): Promise<void> {
    const process = this.#passedBy;
    this.#passedBy = null;
    const id = process === null ? undefined : this.#leaseIds.get(process);
    if (process === null || id === undefined) return;
    const [lease] = await this.#server.look<{ process_id: string | null }>('simulation_lease', leaseQuery);
    if (lease?.process_id !== id)
      throw new Violation('decided without the lease', `${process.name} has committed a pass, and has not the lease`);
  }

  #newProcess(name: string): SimulatedProcess {
    return new SimulatedProcess(this.#world, name, () => this.#noise);
  }

  #boot(place: Place): void {
    const { process, roles } = place;
    const surroundings = { engine: this.#engine, state: () => this.#state };
    const runtime = runtimePort(this.#world, this.#engine, process, () => this.#noise);
    const ports: Ports = {
      db: databasePort(this.#server, process, {
        rewrite: this.#rewrite.rewrite,
        onWritten: () => {
          this.#isWritten = true;
        },
        onPassed: () => {
          this.#passedBy = process;
        },
      }),
      queue: this.#queue.port(process),
      runtime: this.#bug?.runtime?.(runtime, surroundings) ?? runtime,
      observe: (observations) => this.#bug?.observe?.(observations, surroundings) ?? observations,
    };
    if (roles.includes('api')) this.#ports = ports;
    if (roles.includes('deciding')) place.deciding = this.#startDeciding(ports, process);
    if (roles.includes('acting')) startActing(ports, this.#hints());
  }

  #api(): Ports {
    if (this.#ports === null) throw new Error('no process answers people');
    return this.#ports;
  }

  #startDeciding(ports: Ports, process: SimulatedProcess): Hints {
    if (this.#scenario.topology !== 'pair') return startDeciding(ports);
    this.#begun += 1;
    const membership = membershipOf(this.#world, this.#server, process, this.#begun);
    this.#leaseIds.set(process, membership.id);
    return startDecidingAmongOthers(ports, {
      processId: membership.id,
      join: (db, to) => membership.join(db, to),
      onElsewhere: (which) => this.#hints(process).wake(which),
    });
  }

  /** From wherever to the others that decide, if they come through. */
  #hints(from?: SimulatedProcess): Hints {
    const pass = (hint: (to: Hints) => void) => {
      for (const place of this.#places) {
        if (place.roles.includes('deciding') && place.process !== from) this.#pass(place, hint);
      }
    };
    return {
      wake: (id) => pass((to) => to.wake(id)),
      settle: () => pass((to) => to.settle()),
      sweep: () => pass((to) => to.sweep()),
    };
  }

  #pass(to: Place, hint: (to: Hints) => void): void {
    const { lostTasks, taskDelayMsMax } = this.#noise;
    const arrive = () => {
      if (to.deciding !== null) hint(to.deciding);
    };
    if (this.#scenario.topology === 'whole') return arrive();
    if (!this.#world.chance(lostTasks)) this.#world.after(this.#world.between(1, taskDelayMsMax), arrive);
  }

  #strike(fault: Fault): void {
    this.#world.note(`fault: ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case 'crash':
        return this.#crash(this.#placeOf(fault.process), fault.downMs);
      case 'partition':
        return this.#part(this.#placeOf(fault.process), fault.from, fault.forMs);
      case 'stall':
        return this.#placeOf(fault.process).process.stall(Math.min(this.#world.now + fault.forMs, this.#troubleMs));
      case 'vanish': {
        const container = this.#engine.running[fault.which % Math.max(1, this.#engine.running.length)];
        return container === undefined ? undefined : this.#engine.vanish(container);
      }
      case 'clock':
        if (fault.of === 'database') this.#world.databaseAheadMs += fault.byMs;
        else this.#world.engineAheadMs += fault.byMs;
    }
  }

  #placeOf(which: number): Place {
    const place = this.#places[which % this.#places.length];
    if (place === undefined) throw new Error('there is no process');
    return place;
  }

  #crash(place: Place, downMs: number): void {
    if (!place.process.isAlive) return;
    place.process.crash();
    place.deciding = null;
    const upAt = Math.min(downMs, Math.max(1, this.#troubleMs - this.#world.now));
    this.#world.after(upAt, () => {
      place.process = this.#newProcess(place.name);
      this.#boot(place);
    });
  }

  #part({ process }: Place, from: Party, forMs: number): void {
    if (!process.isAlive) return;
    process.cutOff(from);
    this.#world.after(forMs, () => process.reconnect(from));
  }

  /** From now on nothing goes wrong any more. */
  #mend(): void {
    this.#noise = calm;
    for (const { process } of this.#places) for (const party of parties) process.reconnect(party);
  }
}

const topologies: Readonly<Record<Scenario['topology'], readonly [string, readonly Role[]][]>> = {
  whole: [['control', ['deciding', 'acting', 'api']]],
  split: [
    ['scheduler', ['deciding', 'api']],
    ['worker', ['acting']],
  ],
  crew: [
    ['scheduler', ['deciding', 'api']],
    ['worker 1', ['acting']],
    ['worker 2', ['acting']],
  ],
  pair: [
    ['scheduler 1', ['deciding']],
    ['scheduler 2', ['deciding']],
    ['worker', ['acting', 'api']],
  ],
};

const parties = ['database', 'engine', 'queue'] as const satisfies readonly Party[];

const leaseQuery = `select process_id from lease where name = 'cluster/${clusterId}'`;

async function makeCluster(server: DatabaseServer, scenario: Scenario): Promise<void> {
  const { nodes, preemption, lostAfterSeconds } = scenario;
  const total = (of: 'ram' | 'gpu') => nodes.reduce((sum, node) => sum + node[of], 0);
  const statements = [
    `insert into organization (id, name) values ('${organizationId}', 'people')`,
    `insert into cluster (id, organization_id, name, runtime, ram, cpu, gpu, preemption, preemption_min_run_time_s, lost_after_s)
     values ('${clusterId}', '${organizationId}', 'cluster', 'simulated', ${total('ram')}, 64, ${total('gpu')}, ${preemption}, 0, ${lostAfterSeconds})`,
    ...nodes.flatMap(({ ram, gpu }, place) => {
      const id = `00000000-0000-7000-8000-00000000010${place}`;
      return [
        `insert into node (id, cluster_id, name, ram, cpu, gpu)
         values ('${id}', '${clusterId}', 'node-${place}', ${ram * 1000}, 32000, ${gpu * 1000})`,
        ...Array.from(
          { length: gpu },
          (_, index) => `insert into gpu_device (node_id, index, model) values ('${id}', ${index}, 'generic')`,
        ),
      ];
    }),
  ];
  await server.setUp(statements.join(';'));
}

export async function runHistory(
  server: DatabaseServer,
  scenario: Scenario,
  options: { readonly bug?: PlantedBug; readonly trace?: boolean } = {},
): Promise<Outcome> {
  await server.clean();
  await makeCluster(server, scenario);
  return new History(server, scenario, options.bug ?? null, { trace: options.trace ?? false }).run();
}
