import type { Logger } from 'pino';
import { type NetworkKey, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { attemptsWithContainers } from '../store/private-networks.ts';
import { finishVolumeDeletion, readVolumesToRemove } from '../store/volumes.ts';

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly runtime: Runtime;
  readonly addedBy: (organizationId: string) => readonly Runtime[];
}

const nameOf = ({ deploymentId, attempt }: Pick<NetworkKey, 'deploymentId' | 'attempt'>) =>
  `${deploymentId}/${attempt}`;

/**
 * Removes private networks of attempts that have no containers any more. The listing comes before the reading of the store: an
 * attempt's rows are always older than its network, so that one without rows is nobody's.
 */
export async function removeLeftoverNetworks({ db, log, runtime }: Omit<Deps, 'addedBy'>): Promise<void> {
  const networks = await runtime.listNetworks();
  const needed = new Set((await attemptsWithContainers(db, networks)).map(nameOf));
  for (const network of networks.filter((one) => !needed.has(nameOf(one)))) {
    log.debug({ deployment: network.deploymentId, attempt: network.attempt }, 'removing a network that nobody is in');
    await unlessInUse(runtime.removeNetwork(network));
  }
}

/**
 * Goes through with deletions of volumes that engines could not carry out when they were asked for. A volume is on every engine on
 * which something used it: while one of them is away, its deletion is not finished.
 */
export async function removeDeletedVolumes({ db, runtime, addedBy }: Deps): Promise<void> {
  for (const { id, organization_id: organizationId } of await readVolumesToRemove(db, runtime.kind)) {
    const key = { organizationId, volumeId: id };
    const others = addedBy(organizationId).map((other) => unlessAway(other.removeVolume(key)));
    const removed = await Promise.all([unlessInUse(runtime.removeVolume(key)), ...others]);
    if (removed.every(Boolean)) await finishVolumeDeletion(db, id);
  }
}

/** False where it is in use there, or its engine does not answer: what one engine lacks is not for another to suffer. */
async function unlessAway(removal: Promise<void>): Promise<boolean> {
  try {
    return await unlessInUse(removal);
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'unreachable') return false;
    throw error;
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
