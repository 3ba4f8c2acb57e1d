/** From the bodies that name swarms to what the store writes; a swarm is asked before anything is written. */
import type { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import { parseEngineAddress } from '../runtimes/docker/engine-address.ts';
import { type EngineCredentials, fitsCredentials } from '../runtimes/docker/engine-connection.ts';
import type { Capacity } from '../runtimes/runtime.ts';
import { type FoundNode, filledIn } from '../runtimes/swarm/manager.ts';
import type { Database } from '../store/database.ts';
import { findEngine } from '../store/engines.ts';
import type { NewNode } from '../store/nodes.ts';
import type { Scope } from '../store/scope.ts';
import { nodesOfSwarm } from '../store/swarms.ts';
import { tried } from './engine-bodies.ts';
import { ApiError, type FieldError, invalidFields } from './errors.ts';
import type { ClusterCreate } from './schemas/clusters.ts';

type ClusterBody = z.infer<typeof ClusterCreate>;

const wrong = (message: string) => invalidFields([{ field: 'node_address', message }]);

const anyNode = { address: '192.0.2.1', hostname: 'node' };

/** The template of the addresses of a swarm's nodes. Their engines are reached with the manager's credentials. */
export function checkNodeAddress(
  kind: 'docker' | 'swarm',
  template: string | undefined,
  credentials: EngineCredentials,
  isOperator: boolean,
): void {
  if (template === undefined) return;
  if (kind !== 'swarm') throw wrong('is only for swarms');
  if (!/\{(addr|hostname)\}/.test(template))
    throw wrong('must hold {addr} or {hostname}, which differ from node to node');
  const address = addressOf(filledIn(template, anyNode));
  if (address.kind === 'unix' && !isOperator) {
    throw new ApiError('operator_only', 'A path on the machine of Hypervisor is for its operator to name.');
  }
  if (!fitsCredentials(address, credentials)) {
    throw wrong('must be reached in the same way as the manager: the credentials are its');
  }
}

function addressOf(text: string) {
  try {
    return parseEngineAddress(text);
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

/** What all of its nodes have together. */
export function sumOf(nodes: readonly FoundNode[]): Capacity {
  const sum = (amount: (node: FoundNode) => number) => nodes.reduce((total, node) => total + amount(node), 0);
  return {
    ram: sum(({ capacity }) => capacity.ram),
    cpu: sum(({ capacity }) => capacity.cpu),
    devices: nodes.flatMap(({ capacity }) => capacity.devices),
    labels: {},
  };
}

/** The nodes of a cluster that is to be a swarm, as its manager tells them now. Null where it is to be none. */
export async function swarmOfCluster(
  { db, control }: { readonly db: Database; readonly control: ControlPlane },
  scope: Scope,
  body: ClusterBody,
): Promise<{ readonly swarmId: string; readonly nodes: NewNode[] } | null> {
  if (body.runtime !== 'swarm') {
    if (body.engine === undefined) return null;
    throw invalidFields([{ field: 'engine', message: 'is only for clusters of runtime swarm: nodes name their own' }]);
  }
  const errors = (['ram', 'cpu', 'gpu', 'nodes'] as const)
    .filter((field) => body[field] !== undefined)
    .map((field): FieldError => ({ field, message: 'must be left out: the swarm says which nodes it has' }));
  if (body.engine === undefined) errors.push({ field: 'engine', message: 'is missing: the name of a swarm' });
  if (body.engine === undefined || errors.length > 0) throw invalidFields(errors);
  const engine = await findEngine(db, scope, body.engine);
  if (engine?.kind !== 'swarm') {
    throw invalidFields([{ field: 'engine', message: `names no swarm of the organization: ${body.engine}` }]);
  }
  const swarm = { id: engine.id, organizationId: scope.organizationId };
  await tried(control.lookAtSwarm(swarm));
  return { swarmId: swarm.id, nodes: await nodesOfSwarm(db, swarm) };
}
