import type { Logger } from 'pino';
import { type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { SwarmManager } from '../runtimes/swarm/manager.ts';
import type { StoredEngine } from '../store/engines.ts';
import type { OwnRuntimeKind, RuntimeKind } from '../store/tables.ts';
import type { EngineKey } from '../store/work.ts';
import type { Observer } from './observer.ts';
import { repeat } from './repeat.ts';
import type { SwarmFollower } from './swarms.ts';

/** How often it is asked whether engines came, went or changed. Who changes one says so: this is for other processes. */
const lookMs = 2_000;

export interface ConnectedEngine {
  readonly runtime: Runtime;
  readonly close: () => void;
}

export interface ConnectedSwarm {
  readonly manager: SwarmManager;
  readonly close: () => void;
}

interface Deps {
  readonly log: Logger;
  /** The installation's own engines. */
  readonly own: Readonly<Record<OwnRuntimeKind, Runtime>>;
  readonly readEngines: () => Promise<StoredEngine[]>;
  readonly connect: (engine: StoredEngine) => ConnectedEngine;
  readonly connectSwarm: (engine: StoredEngine) => ConnectedSwarm;
  readonly follow: (swarm: StoredEngine, manager: SwarmManager) => SwarmFollower;
  readonly observe: (key: EngineKey, runtime: Runtime) => Observer;
}

interface Known extends ConnectedEngine {
  readonly version: number;
  readonly kind: 'docker' | 'swarm';
  /** The swarm that it is a node of. */
  readonly swarmId: string | null;
  observer: Observer | null;
}

interface KnownSwarm extends ConnectedSwarm {
  readonly version: number;
  readonly engine: StoredEngine;
  follower: SwarmFollower | null;
}

export interface Engines {
  /** What runs the containers there. One that is not known (any more) answers nothing: all it does is `unreachable`. */
  readonly runtimeOf: (key: EngineKey) => Runtime;
  readonly observerOf: (key: EngineKey) => Observer | undefined;
  /** The manager of the swarm that this engine is a node of; null: it is none. */
  readonly managerOf: (swarmId: string) => SwarmManager | null;
  /** Looks at once what the swarm says of the nodes beside this one; nothing where it is a node of none. */
  lookAtSwarmOf(key: EngineKey): Promise<void>;
  /** Engines were added, changed or deleted. */
  refresh(): Promise<void>;
  /** Begins to observe all of them, and those that come. One process of an installation does. */
  observe(): { close(): Promise<void> };
  close(): Promise<void>;
}

/** Keeps a connection to every engine, and an observer on it while this process observes; they come and go with the rows. */
export async function openEngines(deps: Deps): Promise<Engines> {
  const { log, own, observe } = deps;
  const kinds = Object.keys(own) as OwnRuntimeKind[];
  const known = new Map<string, Known>();
  const swarms = new Map<string, KnownSwarm>();
  const ownObservers = new Map<RuntimeKind, Observer>();
  let isObserving = false;
  let refreshing: Promise<void> = Promise.resolve();

  async function forget(id: string, { observer, close }: Known): Promise<void> {
    known.delete(id);
    await observer?.close();
    close();
  }

  async function forgetSwarm(id: string, { follower, close }: KnownSwarm): Promise<void> {
    swarms.delete(id);
    await follower?.close();
    close();
  }

  const observerOn = (id: string, { kind, runtime }: Pick<Known, 'kind' | 'runtime'>) =>
    observe({ runtime: kind, engineId: id }, runtime);

  function add(engine: StoredEngine): void {
    const { id, version } = engine;
    if (engine.kind === 'swarm') {
      const connected = deps.connectSwarm(engine);
      swarms.set(id, {
        ...connected,
        version,
        engine,
        follower: isObserving ? deps.follow(engine, connected.manager) : null,
      });
      return;
    }
    const kind = engine.kind === 'docker' ? 'docker' : 'swarm';
    const connected = { ...deps.connect(engine), kind } as const;
    const swarmId = engine.swarm?.id ?? null;
    known.set(id, { ...connected, swarmId, version, observer: isObserving ? observerOn(id, connected) : null });
  }

  async function look(): Promise<void> {
    const engines = await deps.readEngines();
    const versions = new Map(engines.map(({ id, version }) => [id, version]));
    for (const [id, one] of known) if (versions.get(id) !== one.version) await forget(id, one);
    for (const [id, one] of swarms) if (versions.get(id) !== one.version) await forgetSwarm(id, one);
    for (const engine of engines) if (!known.has(engine.id) && !swarms.has(engine.id)) add(engine);
  }

  /** One after the other: two refreshes at once would connect twice, and what is forgotten meanwhile is not to be observed any more. */
  function inTurn(step: () => Promise<void>): Promise<void> {
    const mine = refreshing.then(step);
    refreshing = mine.catch(() => undefined);
    return mine;
  }

  const refresh = () => inTurn(look);

  async function begin(): Promise<void> {
    isObserving = true;
    for (const kind of kinds) ownObservers.set(kind, observe({ runtime: kind, engineId: null }, own[kind]));
    for (const [id, one] of known) one.observer ??= observerOn(id, one);
    for (const one of swarms.values()) one.follower ??= deps.follow(one.engine, one.manager);
  }

  async function end(): Promise<void> {
    isObserving = false;
    const observers = [...ownObservers.values()];
    ownObservers.clear();
    for (const one of known.values()) {
      if (one.observer !== null) observers.push(one.observer);
      one.observer = null;
    }
    const followers = [...swarms.values()].flatMap(({ follower }) => follower ?? []);
    for (const one of swarms.values()) one.follower = null;
    await Promise.all([...observers, ...followers].map((one) => one.close()));
  }

  const turns = repeat(lookMs, log, 'looking for engines', refresh);
  await refresh();

  return {
    refresh,
    runtimeOf: ({ runtime, engineId }) =>
      engineId !== null
        ? (known.get(engineId)?.runtime ?? unknownEngine)
        : runtime === 'swarm'
          ? unknownEngine
          : own[runtime],
    observerOf: ({ runtime, engineId }) =>
      (engineId === null ? ownObservers.get(runtime) : known.get(engineId)?.observer) ?? undefined,
    managerOf: (swarmId) => swarms.get(swarmId)?.manager ?? null,
    async lookAtSwarmOf({ engineId }) {
      const swarmId = engineId === null ? null : known.get(engineId)?.swarmId;
      if (swarmId != null) await swarms.get(swarmId)?.follower?.now();
    },
    observe() {
      void inTurn(begin);
      return { close: () => inTurn(end) };
    },
    async close() {
      await turns.stop();
      await inTurn(end);
      await Promise.all([...known].map(([id, one]) => forget(id, one)));
      await Promise.all([...swarms].map(([id, one]) => forgetSwarm(id, one)));
    },
  };
}

/** It was added or deleted a moment ago, by another process: nothing is known, and whoever asks tries again. */
const unknownEngine = new Proxy({ kind: 'docker' } as Runtime, {
  get(target, name) {
    if (name === 'kind') return target.kind;
    return name === 'logs' ? noLogs : () => Promise.reject(unknown());
  },
});

const noLogs = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(unknown()) }) });

const unknown = () => new RuntimeError('unreachable', 'the engine is not known here');
