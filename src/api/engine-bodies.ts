/** From the bodies that name engines to what the store writes; engines are tried before anything is written. */
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import { type EngineAddress, parseEngineAddress, writeEngineAddress } from '../runtimes/docker/engine-address.ts';
import { checkCredentials, type EngineCredentials } from '../runtimes/docker/engine-connection.ts';
import { RuntimeError } from '../runtimes/runtime.ts';
import { fromThousandths } from '../store/amounts.ts';
import type { Database } from '../store/database.ts';
import { findEngine } from '../store/engines.ts';
import type { NewNode } from '../store/nodes.ts';
import type { Scope } from '../store/scope.ts';
import type { RuntimeKind } from '../store/tables.ts';
import { nodeOfRequest } from './cluster-bodies.ts';
import { ApiError, invalidFields } from './errors.ts';
import type { NodeCreate } from './schemas/clusters.ts';
import type { EngineCreate } from './schemas/engines.ts';

type EngineBody = z.infer<typeof EngineCreate>;
type NodeBody = z.infer<typeof NodeCreate>;

/** The address in its one way of writing, with credentials that go with it. A path on this machine is the operator's to name. */
export function engineOfRequest(
  request: FastifyRequest,
  body: Pick<EngineBody, 'address' | 'tls' | 'ssh'>,
): { address: string; credentials: EngineCredentials } {
  const address = addressOf(body.address);
  const credentials = credentialsOf(body);
  const errors = checkCredentials(address, credentials);
  if (errors.length > 0) throw invalidFields(errors);
  if (address.kind === 'unix' && request.principal?.operator !== true) {
    throw new ApiError('operator_only', 'A path on the machine of Hypervisor is for its operator to name.');
  }
  return { address: writeEngineAddress(address), credentials };
}

function credentialsOf({ tls, ssh }: Pick<EngineBody, 'tls' | 'ssh'>): EngineCredentials {
  return { tls, ssh: ssh && { key: ssh.key, hostKey: ssh.host_key } };
}

function addressOf(text: string): EngineAddress {
  try {
    return parseEngineAddress(text);
  } catch (error) {
    throw invalidFields([{ field: 'address', message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** Whatever cannot be reached now is not written down: the person who knows the address is here. */
export async function tried<T>(found: Promise<T>): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof RuntimeError) throw new ApiError('engine_unreachable', `${capital(error.message)}.`);
    throw error;
  }
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

interface NodeDeps {
  readonly db: Database;
  readonly control: ControlPlane;
}

/** A node from its body. What is not said of one with an engine of its own is what the engine has. */
export async function nodeWithEngine(
  { db, control }: NodeDeps,
  scope: Scope,
  body: NodeBody,
  prefix = '',
): Promise<NewNode> {
  if (body.engine === undefined) return nodeOfRequest(body, prefix);
  const engine = await findEngine(db, scope, body.engine);
  if (engine === null) {
    throw invalidFields([{ field: `${prefix}engine`, message: `names no engine of the organization: ${body.engine}` }]);
  }
  if (engine.kind !== 'docker') {
    const message = 'names a swarm: make a cluster of runtime swarm of it, which has its nodes';
    throw invalidFields([{ field: `${prefix}engine`, message }]);
  }
  const found = await tried(control.runtimeOf('docker', engine.id).capacity());
  const gpus = found.devices.map(({ model, memoryMib, driver }) => ({ model, memory_gb: memoryMib / 1024, driver }));
  const node = nodeOfRequest(
    {
      ...body,
      ram: body.ram ?? fromThousandths(found.ram),
      cpu: body.cpu ?? fromThousandths(found.cpu),
      gpus: body.gpus ?? gpus,
      labels: { ...found.labels, ...body.labels },
    },
    prefix,
  );
  return { ...node, engineId: engine.id };
}

/** Simulated containers run nowhere, and a swarm says itself which nodes it has. */
export function checkRuntime(runtime: RuntimeKind, { engine }: NodeBody, prefix = ''): void {
  if (runtime === 'swarm') throw new ApiError('node_of_swarm', 'The nodes of this cluster are those of its swarm.');
  if (engine === undefined || runtime === 'docker') return;
  const message = 'is only for clusters of runtime docker: simulated containers run nowhere';
  throw invalidFields([{ field: `${prefix}engine`, message }]);
}
