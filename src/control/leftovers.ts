import type { Logger } from 'pino';
import { type NetworkKey, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { attemptsWithContainers } from '../store/private-networks.ts';
import { finishVolumeDeletion, readVolumesToRemove } from '../store/volumes.ts';
import type { EngineKey } from '../store/work.ts';

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly engine: EngineKey;
  readonly runtime: Runtime;
}

const nameOf = ({ deploymentId, attempt }: Pick<NetworkKey, 'deploymentId' | 'attempt'>) =>
  `${deploymentId}/${attempt}`;

/**
 * Removes private networks of attempts that have no containers any more. The listing comes before the reading of the store: an
 * attempt's rows are always older than its network, so that one without rows is nobody's.
 */
export async function removeLeftoverNetworks({ db, log, runtime }: Omit<Deps, 'engine'>): Promise<void> {
  const networks = await runtime.listNetworks();
  const needed = new Set((await attemptsWithContainers(db, networks)).map(nameOf));
  for (const network of networks.filter((one) => !needed.has(nameOf(one)))) {
    log.debug({ deployment: network.deploymentId, attempt: network.attempt }, 'removing a network that nobody is in');
    await unlessInUse(runtime.removeNetwork(network));
  }
}

/** Goes through with deletions of volumes that this engine could not carry out when they were asked for. */
export async function removeDeletedVolumes({ db, engine, runtime }: Omit<Deps, 'log'>): Promise<void> {
  for (const { id, organization_id: organizationId } of await readVolumesToRemove(db, engine)) {
    if (await unlessInUse(runtime.removeVolume({ organizationId, volumeId: id }))) await finishVolumeDeletion(db, id);
  }
}

/** False where something still uses it: the next look finds it again. */
async function unlessInUse(removal: Promise<void>): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'in_use') return false;
    throw error;
  }
}
