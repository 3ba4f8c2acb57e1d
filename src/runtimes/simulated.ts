/**
 * A runtime that runs nothing: containers live in memory and behave as their environment says. It passes the same
 * conformance suite as Docker; the scheduler, the control loops and the benchmarks are driven with it.
 *
 * | variable | effect |
 * |---|---|
 * | `SIM_RUN_MS` | ends after so many milliseconds; without it, runs until it is stopped |
 * | `SIM_EXIT_CODE` | with this code (0) |
 * | `SIM_OOM` | out of memory (`1`), with code 137 |
 * | `SIM_START_MS` | takes so long to start (0) |
 * | `SIM_START_FAIL` | the start fails with this message |
 * | `SIM_LOG`, `SIM_LOG_STDERR` | lines that it writes when it starts, separated by newlines |
 * | `SIM_IGNORE_TERM` | `1`: ends only when it is killed, after the grace |
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

export { realClock, VirtualClock } from './clock.ts';

interface Container {
  readonly spec: ContainerSpec;
  state: ContainerState;
  readonly log: LogLine[];
  callOff: () => void;
  readonly followers: Set<() => void>;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
  readonly tellEnded: () => void;
}

export interface SimulatedRuntime extends Runtime {
  /** As if the engine went away, or came back. */
  setReachable(reachable: boolean): void;
  /** As if somebody removed the container behind our back. */
  vanish(key: ContainerKey): void;
}

const nameOf = (key: ContainerKey) => `${key.deploymentId}/${key.attempt}/${key.replica}`;

const unreachable = () => new RuntimeError('unreachable', 'the simulated engine is switched off');
const nothing = () => {};

interface Watcher {
  readonly onChange: (state: ContainerState) => void;
  readonly onLost: (error: Error) => void;
}

/** Nothing is kept beyond the process: after a restart, what was simulated has vanished. */
export function createSimulatedRuntime({ clock = realClock }: { clock?: Clock } = {}): SimulatedRuntime {
  const containers = new Map<string, Container>();
  const watchers = new Set<Watcher>();
  let reachable = true;
  let made = 0;
  let nextPort = 30_000;

  const answer = () => {
    if (!reachable) throw unreachable();
  };

  function end(container: Container, exitCode: number, outOfMemory = false): void {
    if (container.state.status === 'exited') return;
    container.callOff();
    container.state = { ...container.state, status: 'exited', exitCode, outOfMemory, finishedAt: clock.now() };
    container.tellEnded();
    for (const follower of container.followers) follower();
    if (reachable) for (const watcher of watchers) watcher.onChange(container.state);
  }

  function run(container: Container): void {
    const { env, ports } = container.spec;
    container.state = {
      ...container.state,
      status: 'running',
      startedAt: clock.now(),
      ports: ports.map((port) => ({ ...port, host: port.host ?? nextPort++ })),
    };
    write(container, 'stdout', env['SIM_LOG']);
    write(container, 'stderr', env['SIM_LOG_STDERR']);
    if (env['SIM_RUN_MS'] === undefined) return;
    const outOfMemory = env['SIM_OOM'] === '1';
    const exitCode = outOfMemory ? 137 : Number(env['SIM_EXIT_CODE'] ?? 0);
    container.callOff = clock.after(Number(env['SIM_RUN_MS']), () => end(container, exitCode, outOfMemory));
  }

  function write(container: Container, stream: LogLine['stream'], text: string | undefined): void {
    if (text === undefined) return;
    for (const line of text.split('\n')) container.log.push({ stream, at: clock.now(), text: line });
    for (const follower of container.followers) follower();
  }

  function create(spec: ContainerSpec): Container {
    if (spec.image.startsWith('missing/')) throw new RuntimeError('image_not_found', `there is no image ${spec.image}`);
    const failure = spec.env['SIM_START_FAIL'];
    if (failure !== undefined) throw new RuntimeError('start_failed', failure);
    made += 1;
    let tellEnded = nothing;
    const ended = new Promise<void>((resolve) => {
      tellEnded = resolve;
    });
    const state: ContainerState = {
      key: spec.key,
      containerId: `simulated-${made}`,
      status: 'created',
      startedAt: null,
      finishedAt: null,
      exitCode: null,
      outOfMemory: false,
      ports: [],
    };
    const container = { spec, state, log: [], callOff: nothing, followers: new Set<() => void>(), ended, tellEnded };
    containers.set(nameOf(spec.key), container);
    return container;
  }

  return {
    kind: 'simulated',
    async ping() {
      answer();
    },
    async capacity() {
      answer();
      return { ram: 64_000, cpu: 16_000, devices: [] };
    },
    async ensureImage(image) {
      answer();
      if (image.startsWith('missing/')) throw new RuntimeError('image_not_found', `there is no image ${image}`);
    },
    async start(spec) {
      answer();
      const found = containers.get(nameOf(spec.key));
      const container = found ?? create(spec);
      if (container.state.status === 'created') {
        const delay = Number(spec.env['SIM_START_MS'] ?? 0);
        if (delay > 0) await new Promise<void>((resolve) => clock.after(delay, resolve));
        answer();
        if (container.state.status === 'created') run(container);
      }
      return container.state;
    },
    async stop(key, graceSeconds) {
      answer();
      const container = containers.get(nameOf(key));
      if (container === undefined) return null;
      if (container.state.status === 'running') {
        if (container.spec.env['SIM_IGNORE_TERM'] === '1') clock.after(graceSeconds * 1000, () => end(container, 137));
        else end(container, 143);
        await container.ended;
      }
      return container.state;
    },
    async remove(key) {
      answer();
      const container = containers.get(nameOf(key));
      if (container === undefined) return;
      end(container, 137);
      containers.delete(nameOf(key));
    },
    async inspect(key) {
      answer();
      return containers.get(nameOf(key))?.state ?? null;
    },
    async list(clusterId) {
      answer();
      return [...containers.values()]
        .map((container) => container.state)
        .filter((state) => clusterId === undefined || state.key.clusterId === clusterId);
    },
    logs(key, options) {
      answer();
      const container = containers.get(nameOf(key));
      if (container === undefined) throw new RuntimeError('not_found', 'the container is gone');
      return readLog(container, options);
    },
    async watch(onChange, onLost, signal) {
      answer();
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
      const container = containers.get(nameOf(key));
      container?.callOff();
      containers.delete(nameOf(key));
    },
  };
}

async function* readLog(container: Container, options: LogOptions): AsyncGenerator<LogLine> {
  const { tail, since, follow = false, signal } = options;
  const wanted = container.log.filter((line) => since === undefined || line.at >= since);
  let next = container.log.length;
  yield* tail === undefined ? wanted : wanted.slice(Math.max(0, wanted.length - tail));
  while (follow && signal?.aborted !== true) {
    while (next < container.log.length) {
      const line = container.log[next++];
      if (line !== undefined) yield line;
    }
    if (container.state.status === 'exited') return;
    await somethingHappened(container, signal);
  }
}

function somethingHappened(container: Container, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      container.followers.delete(settle);
      signal?.removeEventListener('abort', settle);
      resolve();
    };
    container.followers.add(settle);
    signal?.addEventListener('abort', settle, { once: true });
  });
}
