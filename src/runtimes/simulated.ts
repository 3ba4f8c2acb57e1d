/**
 * A runtime that runs nothing: containers live in memory and behave as their environment says. It passes the same
 * conformance suite as Docker; the scheduler, the control loops and the benchmarks are driven with it.
 *
 * | variable | effect |
 * |---|---|
 * | `SIM_RUN_MS` | ends after so many milliseconds; without it, runs until it is stopped |
 * | `SIM_EXIT_CODE` | with this code (0); `1,0`: the first attempt with 1, all later ones with 0 |
 * | `SIM_OOM` | out of memory (`1`), with code 137 |
 * | `SIM_START_MS` | takes so long to start (0) |
 * | `SIM_START_FAIL` | the start fails with this message |
 * | `SIM_LOG`, `SIM_LOG_STDERR` | lines that it writes when it starts, separated by newlines |
 * | `SIM_LOG_EVERY_MS` | writes them one after the other, each so long after the one before (0: at once) |
 * | `SIM_WRITE` | writes a file when it starts: `/path=text`; "refused" to the log where it may not |
 * | `SIM_READ` | then writes what these files hold to its log, paths separated by newlines; "no /path" where there is none |
 * | `SIM_REACH` | then, for each of these names, "reached NAME" or "no NAME" |
 * | `SIM_IGNORE_TERM` | `1`: ends only when it is killed, after the grace, whatever its stop signal |
 * | `SIM_WELL_AFTER_MS` | health checks of every kind fail before it has run for so long (0) |
 * | `SIM_UNWELL_AFTER_MS` | they fail from then on; without it, they never do |
 * | `SIM_CPU`, `SIM_RAM` | uses so many cores, and so many GB; without both, nothing is counted of it |
 *
 * Images whose name begins with `missing/` do not exist.
 */
import { type Clock, realClock } from './clock.ts';
import {
  type ContainerKey,
  type ContainerSpec,
  type ContainerState,
  type LogLine,
  type LogOptions,
  type Runtime,
  RuntimeError,
} from './runtime.ts';
import {
  checkImage,
  createdState,
  endedBy,
  endOf,
  healthAfter,
  killed,
  linesOf,
  nameOf,
} from './simulated/behaviour.ts';
import { Inside } from './simulated/inside.ts';
import { type SimulatedData, simulatedStore } from './simulated-data.ts';
import { always, notWanted } from './wanted.ts';

export { realClock, VirtualClock } from './clock.ts';

interface Container {
  readonly spec: ContainerSpec;
  readonly data: SimulatedData;
  state: ContainerState;
  readonly log: LogLine[];
  /** Calls off what it would still do by itself. */
  readonly callOffs: (() => void)[];
  /** Woken when a line is written, and at the end. */
  readonly waiting: Set<() => void>;
  /** Somebody removed it: whoever still holds it finds out here. */
  isGone: boolean;
  readonly inside: Inside;
}

interface Watcher {
  readonly onChange: (state: ContainerState) => void;
  readonly onLost: (error: Error) => void;
}

export interface SimulatedRuntime extends Runtime {
  /** As if the engine went away, or came back. */
  setReachable(reachable: boolean): void;
  /** As if the container were lost behind our back, without an event. */
  vanish(key: ContainerKey): void;
}

/** Nothing is kept beyond the process: after a restart, what was simulated has vanished. */
export function createSimulatedRuntime({ clock = realClock }: { clock?: Clock } = {}): SimulatedRuntime {
  const containers = new Map<string, Container>();
  const watchers = new Set<Watcher>();
  const store = simulatedStore(() => containers.values());
  let reachable = true;
  let made = 0;
  let nextPort = 30_000;

  const get = (key: ContainerKey) => containers.get(nameOf(key));
  const answer = () => {
    if (!reachable) throw unreachable();
  };

  /** For what can't be done without it. */
  function existing(key: ContainerKey): Container {
    answer();
    const container = get(key);
    if (container === undefined) throw new RuntimeError('not_found', 'the container is gone');
    return container;
  }

  /** As `existing`, for what it takes a running one. */
  function running(key: ContainerKey): Container {
    const container = existing(key);
    if (container.state.status !== 'running') throw new RuntimeError('not_running', 'the container does not run');
    return container;
  }

  function create(spec: ContainerSpec): Container {
    checkImage(spec.image);
    const failure = spec.env['SIM_START_FAIL'];
    if (failure !== undefined) throw new RuntimeError('start_failed', failure);
    made += 1;
    const container = newContainer(spec, store.attach(spec), `simulated-${made}`);
    containers.set(nameOf(spec.key), container);
    return container;
  }

  function run(container: Container): void {
    const { env, ports } = container.spec;
    container.state = {
      ...container.state,
      status: 'running',
      startedAt: clock.now(),
      ports: ports.map((port) => ({ ...port, host: port.host ?? nextPort++ })),
    };
    write(container, 'stdout', [...whatItFinds(container), ...linesOf(env['SIM_LOG'])]);
    write(container, 'stderr', linesOf(env['SIM_LOG_STDERR']));
    const { runMs, exitCode, outOfMemory } = endOf(container.spec);
    if (runMs === null) return;
    container.callOffs.push(clock.after(runMs, () => end(container, exitCode, outOfMemory)));
  }

  function write(container: Container, stream: LogLine['stream'], lines: readonly string[]): void {
    const everyMs = Number(container.spec.env['SIM_LOG_EVERY_MS'] ?? 0);
    for (const [index, line] of lines.entries()) {
      const writeLine = () => {
        container.log.push({ stream, at: clock.now(), text: line });
        wake(container);
      };
      if (index === 0 || everyMs === 0) writeLine();
      else container.callOffs.push(clock.after(index * everyMs, writeLine));
    }
  }

  function end(container: Container, exitCode: number, outOfMemory = false): void {
    if (container.state.status !== 'running' || container.isGone) return;
    container.state = { ...container.state, status: 'exited', exitCode, outOfMemory, finishedAt: clock.now() };
    rest(container);
    if (reachable) for (const watcher of watchers) watcher.onChange(container.state);
  }

  function forget(container: Container): void {
    containers.delete(nameOf(container.spec.key));
    container.isGone = true;
    rest(container);
  }

  return {
    kind: 'simulated',
    isPrivate: true,
    async ping() {
      answer();
    },
    async capacity() {
      answer();
      return { ram: 64_000, cpu: 16_000, devices: [], labels: {} };
    },
    async ensureImage(image) {
      answer();
      checkImage(image);
    },
    async start(spec, isWanted = always) {
      answer();
      const container = get(spec.key) ?? create(spec);
      if (container.state.status === 'created') {
        const delayMs = Number(spec.env['SIM_START_MS'] ?? 0);
        if (delayMs > 0) await new Promise<void>((resolve) => clock.after(delayMs, resolve));
        answer();
        if (!(await isWanted())) {
          forget(container);
          throw notWanted();
        }
        if (container.isGone) throw new RuntimeError('start_failed', 'the container was removed while it was started');
        if (container.state.status === 'created') run(container);
      }
      return container.state;
    },
    async stop(key, graceSeconds) {
      answer();
      const container = get(key);
      if (container === undefined) return null;
      const signal = container.spec.stopSignal ?? 'SIGTERM';
      if (signal === 'SIGKILL' || container.spec.env['SIM_IGNORE_TERM'] !== '1') end(container, endedBy(signal));
      else if (container.state.status === 'running') {
        container.callOffs.push(clock.after(graceSeconds * 1000, () => end(container, killed)));
      }
      while (container.state.status === 'running' && !container.isGone) await somethingHappened(container);
      answer();
      return container.isGone ? null : container.state;
    },
    async remove(key) {
      answer();
      const container = get(key);
      if (container === undefined) return;
      end(container, killed);
      forget(container);
    },
    async inspect(key) {
      answer();
      return get(key)?.state ?? null;
    },
    async list(clusterId) {
      answer();
      const states = [...containers.values()].map((container) => container.state);
      return clusterId === undefined ? states : states.filter((state) => state.key.clusterId === clusterId);
    },
    async probe(key) {
      answer();
      const container = get(key);
      if (container?.state.status !== 'running') return null;
      const now = clock.now();
      return healthAfter(now - (container.state.startedAt ?? now), container.spec.env);
    },
    async listNetworks() {
      answer();
      return store.listNetworks();
    },
    async removeNetwork(key) {
      answer();
      store.removeNetwork(key);
    },
    async volumeSizes() {
      answer();
      return store.volumeSizes();
    },
    async removeVolume(key) {
      answer();
      store.removeVolume(key);
    },
    async *logs(key, options) {
      yield* readLog(existing(key), options);
    },

    async stats(key) {
      const container = running(key);
      return container.inside.usage(container.state, clock.now());
    },
    exec: async (key, options) => running(key).inside.exec(options),
    statFile: async (key, path) => existing(key).inside.statFile(path),
    readFiles: async (key, path) => existing(key).inside.readFiles(path),
    writeFiles: async (key, directory, tar) => existing(key).inside.writeFiles(directory, tar),
    dial: async (key, port) => running(key).inside.dial(port),
    async watch(onChange, onLost, signal) {
      answer();
      if (signal.aborted) return;
      const watcher = { onChange, onLost };
      watchers.add(watcher);
      signal.addEventListener('abort', () => watchers.delete(watcher), { once: true });
    },
    setReachable(now) {
      reachable = now;
      if (now) return;
      const lost = [...watchers];
      watchers.clear();
      for (const watcher of lost) watcher.onLost(unreachable());
    },
    vanish(key) {
      const container = get(key);
      if (container !== undefined) forget(container);
    },
  };
}

const unreachable = () => new RuntimeError('unreachable', 'the simulated engine is switched off');

/** What it says of files and names that its environment asks about. */
function whatItFinds({ spec: { env }, data }: Container): string[] {
  const [, path = '', text = ''] = /^([^=]*)=(.*)$/s.exec(env['SIM_WRITE'] ?? '') ?? [];
  return [
    ...(path === '' || data.write(path, text) ? [] : ['refused']),
    ...linesOf(env['SIM_READ']).flatMap((name) => linesOf(data.read(name) ?? `no ${name}`)),
    ...linesOf(env['SIM_REACH']).map((name) => `${data.reaches(name) ? 'reached' : 'no'} ${name}`),
  ];
}

function newContainer(spec: ContainerSpec, data: SimulatedData, containerId: string): Container {
  const state = createdState(spec.key, containerId);
  return { spec, data, state, log: [], callOffs: [], waiting: new Set(), isGone: false, inside: new Inside(spec) };
}

/** Nothing more comes from it. */
function rest(container: Container): void {
  for (const callOff of container.callOffs.splice(0)) callOff();
  container.inside.end();
  wake(container);
}

function wake(container: Container): void {
  for (const waiter of container.waiting) waiter();
}

async function* readLog(container: Container, options: LogOptions): AsyncGenerator<LogLine> {
  const { tail, since, stream, follow = false, signal } = options;
  const isWanted = (line: LogLine) =>
    (since === undefined || line.at >= since) && (stream === undefined || line.stream === stream);
  let next = container.log.length;
  const wanted = container.log.filter((line) => isWanted(line));
  yield* tail === undefined ? wanted : wanted.slice(Math.max(0, wanted.length - tail));
  while (follow && signal?.aborted !== true) {
    const fresh = container.log.slice(next);
    next += fresh.length;
    yield* fresh.filter((line) => isWanted(line));
    // Lines may have come while these were read.
    if (next < container.log.length) continue;
    if (container.state.status === 'exited' || container.isGone) return;
    await somethingHappened(container, signal);
  }
}

function somethingHappened(container: Container, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const settle = () => {
      container.waiting.delete(settle);
      signal?.removeEventListener('abort', settle);
      resolve();
    };
    container.waiting.add(settle);
    signal?.addEventListener('abort', settle, { once: true });
  });
}
