/** The engine as one process reaches it: as with a real one, a start is two requests, and a stop is answered when it is over. */
import { type ContainerKey, type ContainerState, type Runtime, RuntimeError } from '../../src/runtimes/runtime.ts';
import { nameOf } from '../../src/runtimes/simulated/behaviour.ts';
import { always, notWanted } from '../../src/runtimes/wanted.ts';
import type { Container, Engine } from './engine.ts';
import type { SimulatedProcess } from './process.ts';
import type { World } from './world.ts';

/** How long the engine takes, and how badly its events are told. */
export interface EngineNoise {
  readonly pullMsMax: number;
  readonly lostEvents: number;
  readonly doubledEvents: number;
  readonly eventDelayMsMax: number;
}

const lost = () => new RuntimeError('unreachable', 'the engine does not answer');
const pollMs = 50;

export function runtimePort(
  world: World,
  engine: Engine,
  process: SimulatedProcess,
  noise: () => EngineNoise,
): Runtime {
  const ask = <T>(name: string, effect: () => T | Promise<T>) =>
    process.request({ to: 'engine', name, effect: async () => effect(), lost });
  const stateOf = (key: ContainerKey) => engine.containers.get(nameOf(key))?.state ?? null;

  async function untilEnded(container: Container): Promise<ContainerState | null> {
    while (container.state.status === 'running' && !container.isGone) {
      await new Promise<void>((resolve) => world.after(pollMs, resolve));
    }
    return container.isGone ? null : container.state;
  }

  return {
    kind: 'simulated',
    ping: () => ask('ping', () => undefined),
    capacity: () => ask('capacity', () => ({ ram: 0, cpu: 0, devices: [], labels: {} })),
    ensureImage: (image) =>
      ask('pull', async () => {
        await new Promise<void>((resolve) => world.after(world.between(0, noise().pullMsMax), resolve));
        if (image.startsWith('missing/')) throw new RuntimeError('image_not_found', `there is no image ${image}`);
      }),
    async start(spec, isWanted = always) {
      const container = await ask('create', () => {
        const failure = spec.env['SIM_START_FAIL'];
        if (failure !== undefined) throw new RuntimeError('start_failed', failure);
        engine.create(spec);
        return engine.containers.get(nameOf(spec.key));
      });
      if (container?.state.status === 'created' && !(await isWanted())) {
        await ask('remove', () => engine.remove(nameOf(spec.key)));
        throw notWanted();
      }
      return ask('start', () => {
        if (container === undefined || container.isGone) {
          throw new RuntimeError('start_failed', 'it was removed while it was started');
        }
        engine.start(container);
        return container.state;
      });
    },
    stop: (key, graceSeconds) =>
      ask('stop', () => {
        const container = engine.containers.get(nameOf(key));
        if (container === undefined) return null;
        if (container.state.status === 'running') engine.signal(container, graceSeconds);
        return untilEnded(container);
      }),
    remove: (key) => ask('remove', () => engine.remove(nameOf(key))),
    inspect: (key) => ask('inspect', () => stateOf(key)),
    list: () => ask('list', () => [...engine.containers.values()].map(({ state }) => state)),
    async *logs(key) {
      const state = await ask('logs', () => stateOf(key));
      if (state === null) throw new RuntimeError('not_found', 'the container is gone');
      yield { stream: 'stdout', at: state.startedAt ?? 0, text: 'done' };
    },
    async watch(onChange, onLost, signal) {
      await ask('watch', () => undefined);
      const tell = (state: ContainerState) => {
        const { lostEvents, doubledEvents, eventDelayMsMax } = noise();
        const times = world.chance(lostEvents) ? 0 : world.chance(doubledEvents) ? 2 : 1;
        for (let time = 0; time < times; time += 1) {
          world.after(world.between(1, eventDelayMsMax), () => {
            if (process.reaches('engine') && engine.watchers.has(tell)) onChange(state);
          });
        }
      };
      engine.watchers.add(tell);
      const end = () => engine.watchers.delete(tell);
      signal.addEventListener('abort', end, { once: true });
      process.onEnd(end);
      process.onCutOff((party) => {
        if (party === 'engine' && end()) onLost(lost());
      });
    },
    probe: async () => null,
    listNetworks: async () => [],
    removeNetwork: async () => undefined,
    volumeSizes: async () => new Map(),
    removeVolume: async () => undefined,
    stats: notAsked,
    exec: notAsked,
    statFile: notAsked,
    readFiles: notAsked,
    writeFiles: notAsked,
    dial: notAsked,
  };
}

/** The loops under test never look into a container. */
const notAsked = () => Promise.reject(new RuntimeError('not_found', 'nobody looks into simulated containers'));
