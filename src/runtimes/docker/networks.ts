import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { NetworkInspectInfo } from 'dockerode';
import { type NetworkKey, RuntimeError } from '../runtime.ts';
import { within } from './deadline.ts';
import { statusOf, toRuntimeError } from './errors.ts';
import { labels, networkKeyOf, networkLabels, networkName } from './labels.ts';
import { type Block, formatBlock, freeBlock, parseBlock } from './subnets.ts';

/** Somebody else may take the block that was found free: then another one is looked for. */
const triesMax = 20;
/** Room for those that come beside the others: more replicas, or new ones before the old ones have gone. */
const spare = 2;
const retryMs = 50;

interface Given {
  readonly docker: Docker;
  readonly answerMs: number;
  readonly installationId: string;
  /** Out of which private networks get their addresses. */
  readonly range: Block;
}

export interface PrivateNetworks {
  /** The id of the network, made if it is not there. Throws `start_failed` where no addresses are left. */
  ensure(key: NetworkKey, members: number): Promise<string>;
  list(): Promise<NetworkKey[]>;
  remove(key: NetworkKey): Promise<void>;
}

/** The networks of attempts: bridges, which the engine keeps apart from all others. */
export function privateNetworks({ docker, answerMs, installationId, range }: Given): PrivateNetworks {
  const underWay = new Map<string, Promise<string>>();
  const label = [`${labels.installation}=${installationId}`];

  function listAll(filters?: Record<string, string[]>): Promise<NetworkInspectInfo[]> {
    return within(answerMs, docker.listNetworks(filters === undefined ? {} : { filters }));
  }

  /** The oldest of this name first. The engine lets two be made of one name, if they are made at once. */
  async function find(key: NetworkKey): Promise<NetworkInspectInfo[]> {
    const name = networkName(installationId, key);
    const found = await listAll({ name: [name], label });
    return found
      .filter((network) => network.Name === name && networkKeyOf(installationId, network.Labels) !== null)
      .toSorted((a, b) => (a.Created < b.Created || (a.Created === b.Created && a.Id < b.Id) ? -1 : 1));
  }

  async function create(key: NetworkKey, members: number): Promise<string> {
    const name = networkName(installationId, key);
    const refused: Block[] = [];
    for (let tries = 0; tries < triesMax; tries += 1) {
      const [first] = await find(key);
      if (first !== undefined) return first.Id;
      const used = [...blocksOf(await listAll()), ...refused];
      const block =
        freeBlock(range, members * spare, used, seedOf(name)) ?? freeBlock(range, members, used, seedOf(name));
      if (block === null) throw noAddresses(range);
      try {
        const made = await within(
          answerMs,
          docker.createNetwork({
            Name: name,
            CheckDuplicate: true,
            Driver: 'bridge',
            Labels: networkLabels(installationId, key),
            IPAM: { Driver: 'default', Config: [{ Subnet: formatBlock(block) }] },
          }),
        );
        return await settle(key, made.id);
      } catch (error) {
        const isTaken = /overlaps/i.test(toRuntimeError(error, 'start_failed').message);
        if (isTaken) refused.push(block);
        else if (statusOf(error) !== 409) throw error;
        await sleep(retryMs);
      }
    }
    throw noAddresses(range);
  }

  /** Of several that were made at once, all agree on the first. */
  async function settle(key: NetworkKey, mine: string): Promise<string> {
    const [first] = await find(key);
    if (first === undefined || first.Id === mine) return mine;
    await removeById(mine);
    return first.Id;
  }

  async function removeById(id: string): Promise<void> {
    try {
      await within(answerMs, docker.getNetwork(id).remove());
    } catch (error) {
      if (statusOf(error) === 404) return;
      const known = toRuntimeError(error, 'unreachable');
      throw /active endpoints/.test(known.message) ? new RuntimeError('in_use', known.message) : known;
    }
  }

  return {
    async ensure(key, members) {
      const name = networkName(installationId, key);
      const before = underWay.get(name);
      if (before !== undefined) return before;
      const making = create(key, members).finally(() => underWay.delete(name));
      underWay.set(name, making);
      return making;
    },
    async list() {
      const found = await listAll({ label });
      const keys = found.map((network) => networkKeyOf(installationId, network.Labels));
      return keys.filter((key) => key !== null);
    },
    async remove(key) {
      // By the labels alone: they say whose it is, whatever it is called.
      const labelled = Object.entries(networkLabels(installationId, key)).map(([name, value]) => `${name}=${value}`);
      for (const { Id } of await listAll({ label: labelled })) await removeById(Id);
    },
  };
}

function noAddresses(range: Block): RuntimeError {
  return new RuntimeError(
    'start_failed',
    `no addresses are free for a private network in ${formatBlock(range)}: give Hypervisor a larger range`,
  );
}

function blocksOf(networks: readonly NetworkInspectInfo[]): Block[] {
  const subnets = networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).map(({ Subnet }) => Subnet));
  return subnets.map((subnet) => parseBlock(subnet ?? '')).filter((block) => block !== null);
}

/** The same for one name, and mostly another for another. */
function seedOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0);
}
