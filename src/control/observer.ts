import type { Logger } from 'pino';
import { reasonText } from '../core/reasons.ts';
import type { ContainerKey, ContainerState, Runtime } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { setReachability } from '../store/reachability.ts';
import { type EngineKey, isPlacedOn, type KnownReplica, readKnownReplicas, readLostReplicas } from '../store/work.ts';
import { removeDeletedVolumes, removeLeftoverNetworks } from './leftovers.ts';
import type { Observations } from './observations.ts';
import { repeat } from './repeat.ts';
import { recordState } from './state-observations.ts';

/** How often everything is listed and compared, whatever the event stream said. */
const listingMs = 5_000;
/** How soon an engine that went away is tried again. */
const retryMs = 500;

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly engine: EngineKey;
  readonly runtime: Runtime;
  readonly observations: Observations;
  /** The runtime answers again, or for the first time: tasks that could not be carried out are sent again. */
  readonly onReachable: (runtime: Runtime) => void;
  /** The cluster manager that it runs under has ended a container: why may have to be written down before that is. */
  readonly onEvicted: (engine: EngineKey) => Promise<void>;
  readonly onLooked: (reachable: boolean) => void;
  /** It is not looked at any more. */
  readonly onClosed: () => void;
  readonly onReachabilityChanged: (clusterIds: readonly string[]) => void;
  readonly onUncleaned: (deployments: readonly { id: string; attempt: number }[]) => void;
}

export interface Observer {
  /** Somebody found the engine silent: look now. */
  suspect(): void;
  close(): Promise<void>;
}

/**
 * Watches one runtime: its event stream says at once what ended; a regular listing finds what the stream missed, adopts what
 * an earlier process started, and removes what nobody knows. The same listing tells whether the runtime answers at all.
 */
export function startObserver(deps: Deps): Observer {
  const stop = new AbortController();
  let watching = false;
  let reachable: boolean | null = null;
  /** What was logged last about an engine that does not answer. */
  let complaint: string | null = null;
  /** Since when it has not answered this process, by a clock that does not jump. */
  let silentSince: number | null = null;

  async function setReachable(now: boolean, message: string | null): Promise<void> {
    // Every time, not only on a change: a cluster may have been created since.
    const changed = await setReachability(deps.db, deps.engine, now, message);
    if (changed.length > 0) deps.onReachabilityChanged(changed);
    deps.onLooked(now);
    if (now && reachable !== true) deps.onReachable(deps.runtime);
    reachable = now;
  }

  /** Once for each outage, not at each look: those come every half second. */
  function logOutage(message: string | null): void {
    if (message === complaint) return;
    const { engineId } = deps.engine;
    const about = engineId === null ? {} : { engine: engineId };
    if (message === null) deps.log.info(about, `${deps.runtime.kind}: the engine answers again`);
    else deps.log.warn({ ...about, err: { message } }, `${deps.runtime.kind}: the engine does not answer`);
    complaint = message;
  }

  async function watch(): Promise<void> {
    if (watching) return;
    await deps.runtime.watch(
      (state) => {
        if (state.status === 'exited') heard(deps, state);
      },
      () => {
        watching = false;
        turns.now();
      },
      stop.signal,
    );
    watching = true;
  }

  const turns = repeat(listingMs, deps.log, `observing ${deps.runtime.kind}`, async () => {
    try {
      await deps.runtime.ping();
      await watch();
      const uncleaned = await reconcile(deps);
      if (uncleaned.length > 0) deps.onUncleaned(uncleaned);
      await removeLeftoverNetworks(deps);
      await removeDeletedVolumes(deps);
      silentSince = null;
      await setReachable(true, null);
      logOutage(null);
    } catch (error) {
      if (stop.signal.aborted) return;
      silentSince ??= performance.now();
      logOutage(messageOf(error));
      await setReachable(false, messageOf(error));
      await concludeLost(deps, (performance.now() - silentSince) / 1000);
      const again = setTimeout(() => turns.now(), retryMs);
      again.unref();
    }
  });
  turns.now();

  return {
    suspect: () => turns.now(),
    async close() {
      stop.abort();
      await turns.stop();
      deps.onClosed();
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * What the stream says of a container. An engine that somebody added is believed only about what was placed there: it is
 * another's machine, and could say anything about the deployments of others.
 */
function heard(deps: Deps, state: ContainerState): void {
  const { engine, db } = deps;
  const isBelieved = engine.engineId === null ? Promise.resolve(true) : isPlacedOn(db, engine.engineId, state.key);
  isBelieved
    .then((believed) => (believed ? record(deps, state) : null))
    .catch((error: unknown) =>
      deps.log.warn(
        { err: error, deployment: state.key.deploymentId },
        'an observation was not written down; the listing finds it again',
      ),
    );
}

async function record(deps: Deps, state: ContainerState): Promise<void> {
  if (state.evicted === true) await deps.onEvicted(deps.engine);
  await recordState(deps.observations, state);
}

const nameOf = (key: Pick<ContainerKey, 'deploymentId' | 'attempt' | 'replica' | 'run'>) =>
  `${key.deploymentId}/${key.attempt}/${key.replica}/${key.run}`;

/**
 * Compares what the runtime runs with what the store says, once:
 *
 * 1. ended containers end their replicas, running ones that were not known to run are adopted;
 * 2. containers that nobody knows are removed;
 * 3. replicas that should run and have no container are lost.
 *
 * The listing comes before the reading of the store: a container's row is always older than the container, so that what is
 * listed and not in the store really is unknown. Returns deployments whose ended containers are still to be cleaned up.
 */
async function reconcile(deps: Deps): Promise<{ id: string; attempt: number }[]> {
  const listed = await deps.runtime.list();
  const known = await readKnownReplicas(
    deps.db,
    deps.engine,
    listed.map((state) => state.key.deploymentId),
  );
  const byName = new Map(known.map((one) => [nameOf({ ...one, replica: one.index }), one]));
  const uncleaned: { id: string; attempt: number }[] = [];
  for (const state of listed) {
    const replica = byName.get(nameOf(state.key));
    byName.delete(nameOf(state.key));
    if (replica === undefined) await removeUnknown(deps, state.key);
    // Cleaned up since the listing, or what is left of it came too late for that.
    else if (replica.cleaned) await deps.runtime.remove(state.key);
    else if (!replica.isHere) continue;
    else if (replica.status !== 'ended') await adopt(deps, replica, state);
    else {
      if (state.status === 'running') await stopLeftOver(deps, state.key);
      uncleaned.push({ id: replica.deploymentId, attempt: replica.attempt });
    }
  }
  for (const replica of byName.values()) {
    if (replica.isHere && replica.status === 'running') await checkLost(deps, replica);
  }
  return uncleaned;
}

async function removeUnknown(deps: Deps, key: ContainerKey): Promise<void> {
  deps.log.warn(
    { deployment: key.deploymentId, cluster: key.clusterId, attempt: key.attempt, replica: key.replica, run: key.run },
    'removing a container that nobody expects',
  );
  await deps.runtime.remove(key);
}

/**
 * Its replica was given up while the engine was away, and may run elsewhere by now: nothing runs twice. It may also have ended
 * since the listing; then there is nothing to stop.
 */
async function stopLeftOver(deps: Deps, key: ContainerKey): Promise<void> {
  await deps.runtime.stop(key, 0);
}

async function adopt(deps: Deps, replica: KnownReplica, listed: ContainerState): Promise<void> {
  if (listed.status === 'created') return; // Its start is under way, or is sent again by the sweep.
  if (replica.status === 'running' && listed.status === 'running') return;
  const state = await deps.runtime.inspect(listed.key);
  if (state === null) return;
  await record(deps, state);
}

/**
 * Gives up what was on an engine that has been away for longer than its cluster waits, seen from here (seconds) and by the
 * database: who looks after a restart or a jump of the clock knows nothing yet.
 */
async function concludeLost(deps: Deps, silentSeconds: number): Promise<void> {
  const lost = await readLostReplicas(deps.db, deps.engine, silentSeconds);
  await Promise.all(
    lost.map(({ deploymentId, attempt, index, run, nodeName }) =>
      deps.observations.record({
        kind: 'ended',
        deploymentId,
        attempt,
        replica: index,
        run,
        exitCode: null,
        outOfMemory: false,
        at: Date.now(),
        cause: { code: 'engine_lost', message: reasonText('engine_lost', { node: nodeName }) },
      }),
    ),
  );
}

/** Known to run, and not listed: it may have been started after the listing. Only the engine's word on itself counts. */
async function checkLost(deps: Deps, replica: KnownReplica): Promise<void> {
  const key: ContainerKey = {
    clusterId: replica.clusterId,
    deploymentId: replica.deploymentId,
    attempt: replica.attempt,
    replica: replica.index,
    run: replica.run,
  };
  const state = await deps.runtime.inspect(key);
  if (state !== null) {
    await record(deps, state);
    return;
  }
  await deps.observations.record({
    kind: 'ended',
    deploymentId: key.deploymentId,
    attempt: key.attempt,
    replica: key.replica,
    run: key.run,
    exitCode: null,
    outOfMemory: false,
    at: Date.now(),
    cause: { code: 'container_lost', message: 'its container vanished from the engine' },
  });
}
