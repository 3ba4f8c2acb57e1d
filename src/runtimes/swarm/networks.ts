/** Networks in a swarm: overlays, which reach over all of its nodes. */
import type Docker from 'dockerode';
import type { NetworkCreateOptions, NetworkInspectInfo } from 'dockerode';
import { within } from '../docker/deadline.ts';
import { statusOf } from '../docker/errors.ts';
import { labels, networkKeyOf, networkLabels, networkName } from '../docker/labels.ts';
import { type NetworkKey, RuntimeError } from '../runtime.ts';
import { toSwarmError } from './errors.ts';
import { swarmLabels } from './labels.ts';

/** Usually the swarm gives a network 256 addresses, of which some are its own; room is kept for those that come beside the others. */
const membersMax = 120;
const orphanMs = 10 * 60_000;

const isolatedName = (service: string) => `${service}-none`;

/** Two that are made at once of one name: the second is told by the engine, or by the swarm's store. */
const isTaken = (error: unknown) =>
  statusOf(error) === 409 || /name conflicts with/.test(toSwarmError(error, 'start_failed').message);

interface Given {
  readonly manager: Docker;
  readonly answerMs: number;
  readonly installation: string;
  readonly nodeId: string;
}

export function overlayNetworks({ manager, answerMs, installation, nodeId }: Given) {
  const ours = { label: [`${labels.installation}=${installation}`] };
  const listAll = (): Promise<NetworkInspectInfo[]> => within(answerMs, manager.listNetworks({ filters: ours }));

  async function find(name: string): Promise<NetworkInspectInfo | null> {
    try {
      return await within(answerMs, manager.getNetwork(name).inspect());
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  async function findOrCreate(options: NetworkCreateOptions): Promise<string> {
    const before = await find(options.Name);
    if (before !== null) return idOfOurs(before);
    try {
      const made = await within(
        answerMs,
        manager.createNetwork({ ...options, Driver: 'overlay', CheckDuplicate: true }),
      );
      return made.id;
    } catch (error) {
      // Whoever starts another replica at this moment has made it.
      const other = isTaken(error) ? await find(options.Name) : null;
      if (other === null) throw error;
      return idOfOurs(other);
    }
  }

  function idOfOurs({ Id, Name, Labels }: NetworkInspectInfo): string {
    if (Labels?.[labels.installation] === installation) return Id;
    throw new RuntimeError('start_failed', `the name ${Name} is taken by a network that is not ours`);
  }

  async function removeById(id: string): Promise<void> {
    try {
      await within(answerMs, manager.getNetwork(id).remove());
    } catch (error) {
      if (statusOf(error) === 404) return;
      const known = toSwarmError(error, 'unreachable');
      throw /in use|active endpoints/.test(known.message) ? new RuntimeError('in_use', known.message) : known;
    }
  }

  return {
    /** The id of the private network of an attempt, made if it is not there. */
    async ensure(key: NetworkKey, members: number): Promise<string> {
      if (members > membersMax) {
        throw new RuntimeError('start_failed', `a private network in a swarm holds at most ${membersMax} replicas`);
      }
      return findOrCreate({ Name: networkName(installation, key), Labels: networkLabels(installation, key) });
    },

    /** A swarm has no "none": this one leads nowhere, and nobody else is in it. */
    ensureIsolated(service: string): Promise<string> {
      const Labels = {
        [labels.installation]: installation,
        [swarmLabels.node]: nodeId,
        [swarmLabels.service]: service,
      };
      return findOrCreate({ Name: isolatedName(service), Internal: true, Labels });
    },

    removeIsolated: (service: string) => removeById(isolatedName(service)),

    async list(): Promise<NetworkKey[]> {
      const keys = (await listAll()).map((network) => networkKeyOf(installation, network.Labels));
      return keys.filter((key) => key !== null);
    },

    async remove(key: NetworkKey): Promise<void> {
      const network = await find(networkName(installation, key));
      if (network !== null && networkKeyOf(installation, network.Labels) !== null) await removeById(network.Id);
    },

    /** Those whose service was never made, or was removed by a process that died then. */
    async removeOrphans(services: ReadonlySet<string>): Promise<void> {
      for (const { Id, Labels, Created } of await listAll()) {
        const service = Labels?.[swarmLabels.service];
        if (service === undefined || Labels?.[swarmLabels.node] !== nodeId) continue;
        if (Date.now() - Date.parse(Created) > orphanMs && !services.has(service)) await removeById(Id);
      }
    },
  };
}
