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
  observer: Observer | null;
}

export interface Engines {
  /** What runs the containers there. One that is not known (any more) answers nothing: all it does is `unreachable`. */
  readonly runtimeOf: (key: EngineKey) => Runtime;
  readonly observerOf: (key: EngineKey) => Observer | undefined;
  /** Engines were added, changed or deleted. */
  refresh(): Promise<void>;
  /** Begins to observe all of them, and those that come. One process of an installation does. */
  observe(): { close(): Promise<void> };
  close(): Promise<void>;
}

/** Keeps a connection to every engine, and an observer on it while this process observes; they come and go with the rows. */
export async function openEngines(deps: Deps): Promise<Engines> {
  const { log, own, observe } = deps;
  const kinds = Object.keys(own) as RuntimeKind[];
  const known = new Map<string, Known>();
  const ownObservers = new Map<RuntimeKind, Observer>();
  let isObserving = false;
  let refreshing: Promise<void> = Promise.resolve();

  async function forget(id: string, { observer, close }: Known): Promise<void> {
    known.delete(id);
    await observer?.close();
    close();
  }

  const observerOn = (id: string, runtime: Runtime) => observe({ runtime: 'docker', engineId: id }, runtime);

  function add(engine: StoredEngine): void {
    const connected = deps.connect(engine);
    const observer = isObserving ? observerOn(engine.id, connected.runtime) : null;
    known.set(engine.id, { ...connected, version: engine.version, observer });
  }

  async function look(): Promise<void> {
    const engines = await deps.readEngines();
    const versions = new Map(engines.map(({ id, version }) => [id, version]));
    for (const [id, one] of known) if (versions.get(id) !== one.version) await forget(id, one);
    for (const engine of engines) if (!known.has(engine.id)) add(engine);
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
    for (const [id, one] of known) one.observer ??= observerOn(id, one.runtime);
  }

  async function end(): Promise<void> {
    isObserving = false;
    const observers = [...ownObservers.values()];
    ownObservers.clear();
    for (const one of known.values()) {
      if (one.observer !== null) observers.push(one.observer);
      one.observer = null;
    }
    await Promise.all(observers.map((observer) => observer.close()));
  }

  const turns = repeat(lookMs, log, 'looking for engines', refresh);
  await refresh();

  return {
    refresh,
    runtimeOf: ({ runtime, engineId }) =>
      engineId === null ? own[runtime] : (known.get(engineId)?.runtime ?? unknownEngine),
    observerOf: ({ runtime, engineId }) =>
      (engineId === null ? ownObservers.get(runtime) : known.get(engineId)?.observer) ?? undefined,
    observe() {
      void inTurn(begin);
      return { close: () => inTurn(end) };
    },
    async close() {
      await turns.stop();
      await inTurn(end);
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
