import type { Logger } from 'pino';
import { type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { StoredEngine } from '../store/engines.ts';
import type { RuntimeKind } from '../store/tables.ts';
import type { EngineKey } from '../store/work.ts';
import type { Observer } from './observer.ts';
import { repeat } from './repeat.ts';

/** How often it is asked whether engines came, went or changed. Who changes one says so: this is for other processes. */
const lookMs = 2_000;

export interface ConnectedEngine {
  readonly runtime: Runtime;
  readonly close: () => void;
}

interface Deps {
  readonly log: Logger;
  /** The installation's own engines. */
  readonly own: Readonly<Record<RuntimeKind, Runtime>>;
  readonly readEngines: () => Promise<StoredEngine[]>;
  readonly connect: (engine: StoredEngine) => ConnectedEngine;
  readonly observe: (key: EngineKey, runtime: Runtime) => Observer;
}

interface Known extends ConnectedEngine {
  readonly version: number;
  readonly observer: Observer;
}

export interface Engines {
  /** What runs the containers there. One that is not known (any more) answers nothing: all it does is `unreachable`. */
  readonly runtimeOf: (key: EngineKey) => Runtime;
  readonly observerOf: (key: EngineKey) => Observer | undefined;
  /** Engines were added, changed or deleted. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Keeps a connection to every engine, and an observer on it; they come and go with the rows. */
export async function openEngines(deps: Deps): Promise<Engines> {
  const { log, own, observe } = deps;
  const kinds = Object.keys(own) as RuntimeKind[];
  const known = new Map<string, Known>();
  const ownObservers = new Map(kinds.map((kind) => [kind, observe({ runtime: kind, engineId: null }, own[kind])]));
  let refreshing: Promise<void> = Promise.resolve();

  async function forget(id: string, { observer, close }: Known): Promise<void> {
    known.delete(id);
    await observer.close();
    close();
  }

  function add(engine: StoredEngine): void {
    const connected = deps.connect(engine);
    const observer = observe({ runtime: 'docker', engineId: engine.id }, connected.runtime);
    known.set(engine.id, { ...connected, version: engine.version, observer });
  }

  async function look(): Promise<void> {
    const engines = await deps.readEngines();
    const versions = new Map(engines.map(({ id, version }) => [id, version]));
    for (const [id, one] of known) if (versions.get(id) !== one.version) await forget(id, one);
    for (const engine of engines) if (!known.has(engine.id)) add(engine);
  }

  /** One after the other: two at once would connect twice. */
  function refresh(): Promise<void> {
    const mine = refreshing.then(look);
    refreshing = mine.catch(() => undefined);
    return mine;
  }

  const turns = repeat(lookMs, log, 'looking for engines', refresh);
  await refresh();

  return {
    refresh,
    runtimeOf: ({ runtime, engineId }) =>
      engineId === null ? own[runtime] : (known.get(engineId)?.runtime ?? unknownEngine),
    observerOf: ({ runtime, engineId }) =>
      engineId === null ? ownObservers.get(runtime) : known.get(engineId)?.observer,
    async close() {
      await turns.stop();
      await refreshing;
      await Promise.all([...ownObservers.values()].map((observer) => observer.close()));
      await Promise.all([...known].map(([id, one]) => forget(id, one)));
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
