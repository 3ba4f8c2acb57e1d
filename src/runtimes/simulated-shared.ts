/**
 * The simulated runtime for several processes: its containers are rows, so that what one worker starts, others see, stop and clean up.
 * They behave as in simulated.ts, by the same variables; of files, volumes and names in private networks nothing is simulated here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../store/database.ts';
import {
  addSimulated,
  endSimulated,
  listSimulated,
  readSimulated,
  removeSimulated,
  type SimulatedRow,
  simulatedEndedSince,
  startSimulated,
} from '../store/simulated-containers.ts';
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
import { always, notWanted } from './wanted.ts';

/** How often it is looked for what has ended; what ends by itself is known beforehand, and still told no sooner. */
const lookMs = 100;

/** Nothing has ended after that: only the clock is asked for. */
const farAhead = Date.UTC(2200, 0);

export function createSharedSimulatedRuntime({ db }: { db: Database }): Runtime {
  /** What was done inside of a container is known to the process that did it. */
  const insides = new Map<string, Inside>();

  async function existing(key: ContainerKey): Promise<SimulatedRow> {
    const row = await readSimulated(db, key);
    if (row === null) throw new RuntimeError('not_found', 'the container is gone');
    return row;
  }

  async function running(key: ContainerKey): Promise<SimulatedRow> {
    const row = await existing(key);
    if (!isRunning(row)) throw new RuntimeError('not_running', 'the container does not run');
    return row;
  }

  function insideOf(row: SimulatedRow): Inside {
    const name = nameOf(row);
    const inside = insides.get(name) ?? new Inside({ ...emptySpec, key: row, env: row.behaviour });
    insides.set(name, inside);
    return inside;
  }

  return {
    kind: 'simulated',
    ping: () => Promise.resolve(),
    capacity: () => Promise.resolve({ ram: 64_000, cpu: 16_000, devices: [], labels: {} }),
    async ensureImage(image) {
      checkImage(image);
    },
    async start(spec, isWanted = always) {
      checkImage(spec.image);
      const { SIM_START_FAIL: failure, SIM_START_MS: startMs = '0' } = spec.env;
      if (failure !== undefined) throw new RuntimeError('start_failed', failure);
      const found = await addSimulated(db, { ...spec.key, ...behaviourOf(spec) });
      if (found.startedAt !== null) return stateOf(found);
      if (Number(startMs) > 0) await sleep(Number(startMs));
      if (!(await isWanted())) {
        await removeSimulated(db, spec.key);
        throw notWanted();
      }
      const row = await startSimulated(db, spec.key, endOf(spec).runMs);
      if (row === null) throw new RuntimeError('start_failed', 'the container was removed while it was started');
      return stateOf(row);
    },
    async stop(key, graceSeconds) {
      const row = await readSimulated(db, key);
      if (row === null) return null;
      const signal = row.behaviour['SIM_STOP_SIGNAL'] ?? 'SIGTERM';
      if (isRunning(row) && signal !== 'SIGKILL' && row.behaviour['SIM_IGNORE_TERM'] === '1') {
        await sleep(graceSeconds * 1000);
        await endSimulated(db, key, killed);
      } else {
        await endSimulated(db, key, endedBy(signal));
      }
      const after = await readSimulated(db, key);
      return after === null ? null : stateOf(after);
    },
    async remove(key) {
      insides.get(nameOf(key))?.end();
      insides.delete(nameOf(key));
      await removeSimulated(db, key);
    },
    async inspect(key) {
      const row = await readSimulated(db, key);
      return row === null ? null : stateOf(row);
    },
    list: async (clusterId) => (await listSimulated(db, clusterId)).map(stateOf),
    async probe(key) {
      const row = await readSimulated(db, key);
      if (row === null || !isRunning(row)) return null;
      return healthAfter(Date.now() - (row.startedAt ?? 0), row.behaviour);
    },
    listNetworks: () => Promise.resolve([]),
    removeNetwork: () => Promise.resolve(),
    volumeSizes: () => Promise.resolve(new Map()),
    removeVolume: () => Promise.resolve(),
    async *logs(key, options) {
      yield* readLog(db, await existing(key), options);
    },
    async stats(key) {
      const row = await running(key);
      return insideOf(row).usage(stateOf(row), Date.now());
    },
    exec: async (key, options) => insideOf(await running(key)).exec(options),
    statFile: async (key, path) => insideOf(await existing(key)).statFile(path),
    readFiles: async (key, path) => insideOf(await existing(key)).readFiles(path),
    writeFiles: async (key, directory, tar) => insideOf(await existing(key)).writeFiles(directory, tar),
    dial: async (key, port) => insideOf(await running(key)).dial(port),
    async watch(onChange, onLost, signal) {
      let { now } = await simulatedEndedSince(db, farAhead);
      const look = async () => {
        while (!signal.aborted) {
          await sleep(lookMs, undefined, { signal }).catch(() => undefined);
          const found = await simulatedEndedSince(db, now);
          now = found.now;
          for (const row of found.ended) onChange(stateOf(row));
        }
      };
      look().catch((error: unknown) => {
        if (!signal.aborted) onLost(error instanceof Error ? error : new Error(String(error)));
      });
    },
  };
}

const isRunning = ({ startedAt, endedAt }: SimulatedRow) =>
  startedAt !== null && (endedAt === null || endedAt > Date.now());

function stateOf(row: SimulatedRow): ContainerState {
  const { clusterId, deploymentId, attempt, replica, run } = row;
  const key = { clusterId, deploymentId, attempt, replica, run };
  const containerId = `simulated-${nameOf(row)}`;
  if (row.startedAt === null) return createdState(key, containerId);
  const runs = isRunning(row);
  return {
    key,
    containerId,
    status: runs ? 'running' : 'exited',
    startedAt: row.startedAt,
    finishedAt: runs ? null : row.endedAt,
    exitCode: runs ? null : row.exitCode,
    outOfMemory: !runs && row.behaviour['SIM_OOM'] === '1',
    ports: [],
  };
}

/** Of its environment only what it simulates: the rest may be secret, and is not needed. */
function behaviourOf({ env, key, stopSignal }: ContainerSpec) {
  const behaviour = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('SIM_')));
  if (stopSignal !== null) behaviour['SIM_STOP_SIGNAL'] = stopSignal;
  return { behaviour, exitCode: endOf({ key, env }).exitCode };
}

/** Only what an `Inside` looks at is of the container. */
const emptySpec: Omit<ContainerSpec, 'key' | 'env'> = {
  image: 'simulated',
  command: null,
  ports: [],
  labels: {},
  resources: { ram: 0, cpu: 0, gpu: 0 },
  devices: [],
  gpuDriver: 'none',
  stopGraceSeconds: 0,
  mounts: [],
  files: [],
  network: { mode: 'none' },
  stopSignal: null,
};

async function* readLog(db: Database, row: SimulatedRow, options: LogOptions): AsyncGenerator<LogLine> {
  const { tail, since, stream, follow = false, signal } = options;
  const { startedAt } = row;
  if (startedAt === null) return;
  const everyMs = Number(row.behaviour['SIM_LOG_EVERY_MS'] ?? 0);
  const written = (name: string, from: LogLine['stream']): LogLine[] =>
    linesOf(row.behaviour[name]).map((text, index) => ({
      stream: from,
      at: startedAt + index * everyMs,
      text,
    }));
  const all = [...written('SIM_LOG', 'stdout'), ...written('SIM_LOG_STDERR', 'stderr')]
    .filter(({ at }) => row.endedAt === null || at <= row.endedAt)
    .filter((line) => (since === undefined || line.at >= since) && (stream === undefined || line.stream === stream))
    .toSorted((a, b) => a.at - b.at);
  const now = Date.now();
  const past = all.filter(({ at }) => at <= now);
  yield* tail === undefined ? past : past.slice(Math.max(0, past.length - tail));
  if (!follow) return;
  for (const line of all.slice(past.length)) {
    await sleep(Math.max(0, line.at - Date.now()), undefined, signal === undefined ? {} : { signal }).catch(
      () => undefined,
    );
    if (signal?.aborted === true) return;
    yield line;
  }
  for (let one: SimulatedRow | null = row; one !== null && isRunning(one); ) {
    await sleep(lookMs);
    if (signal?.aborted === true) return;
    one = await readSimulated(db, row);
  }
}
