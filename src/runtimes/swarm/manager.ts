/** A swarm as its manager sees it: which nodes it has, and how their engines are reached. */
import Docker from 'dockerode';
import { within } from '../docker/deadline.ts';
import { parseEngineAddress, writeEngineAddress } from '../docker/engine-address.ts';
import { RuntimeError } from '../runtime.ts';
import { toSwarmError } from './errors.ts';
import { type EngineNode, type SwarmNode, toSwarmNode } from './nodes.ts';

export interface FoundNode extends SwarmNode {
  /** Of its engine, as `writeEngineAddress` writes it. */
  readonly engineAddress: string;
}

export interface SwarmManager {
  /** By host name. Throws `unreachable`; `invalid` where it is no swarm that can be used, with what to do. */
  nodes(): Promise<FoundNode[]>;
}

interface Given {
  readonly connection: Docker.DockerOptions;
  /** Of the manager, as `writeEngineAddress` writes it. */
  readonly address: string;
  /** Where the engines of the other nodes are; null: as the manager, at the node's own address. */
  readonly nodeAddress: string | null;
  readonly answerMs?: number;
}

interface Info {
  readonly Swarm: { readonly LocalNodeState: string; readonly ControlAvailable: boolean; readonly NodeID: string };
}

interface Settings {
  readonly Spec: { readonly Orchestration?: { readonly TaskHistoryRetentionLimit?: number } };
}

export function swarmManager({ connection, address, nodeAddress, answerMs = 30_000 }: Given): SwarmManager {
  const docker = new Docker({ ...connection, timeout: answerMs });

  async function check(): Promise<Info['Swarm']> {
    const { Swarm } = (await within(answerMs, docker.info())) as Info;
    if (Swarm.LocalNodeState !== 'active') {
      throw new RuntimeError('invalid', 'the engine is in no swarm: make one there with `docker swarm init`');
    }
    if (!Swarm.ControlAvailable) {
      throw new RuntimeError('invalid', 'the engine is a worker of its swarm: give the address of a manager');
    }
    return Swarm;
  }

  return {
    async nodes() {
      try {
        const { NodeID } = await check();
        const { Spec } = (await within(answerMs, docker.swarmInspect())) as Settings;
        // A swarm that forgets ended tasks at once would begin them anew.
        if ((Spec.Orchestration?.TaskHistoryRetentionLimit ?? 1) < 1) {
          const what = 'docker swarm update --task-history-limit 1';
          throw new RuntimeError(
            'invalid',
            `the swarm forgets tasks as soon as they have ended: tell it with \`${what}\``,
          );
        }
        const nodes = (await within(answerMs, docker.listNodes())) as EngineNode[];
        const found = nodes.map((node) => toSwarmNode(node));
        return found
          .map((node) => ({
            ...node,
            engineAddress: node.nodeId === NodeID ? address : engineAddress(address, nodeAddress, node),
          }))
          .toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
      } catch (error) {
        throw toSwarmError(error, 'unreachable');
      }
    },
  };
}

const key = ({ hostname, nodeId }: SwarmNode) => `${hostname}\n${nodeId}`;

/** Exported for its test. What no template says is as the manager says it. */
export function engineAddress(
  manager: string,
  template: string | null,
  node: Pick<SwarmNode, 'address' | 'hostname'>,
): string {
  if (template !== null) return writeEngineAddress(parseEngineAddress(filledIn(template, node)));
  const parsed = parseEngineAddress(manager);
  // From a socket nothing follows for other machines: it is said when the node is to be reached.
  return parsed.kind === 'unix' ? manager : writeEngineAddress({ ...parsed, host: node.address });
}

/** `{addr}` and `{hostname}` are those of the node. */
export function filledIn(template: string, { address, hostname }: Pick<SwarmNode, 'address' | 'hostname'>): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return template.replaceAll('{addr}', host).replaceAll('{hostname}', hostname);
}
