import { randomBytes } from 'node:crypto';
import type { Hypervisor } from '../main.ts';
import { type Capacity, RuntimeError } from '../runtimes/runtime.ts';
import { createCluster, signIn } from '../sdk/index.ts';
import { createFirstOwner } from '../store/first-owner.ts';
import { saveContext } from './context-file.ts';
import { call, clientOf, type Session } from './session.ts';

/** Less than the machine has, where one wants to keep some for other things. GB, cores, devices. */
export interface Limits {
  readonly ram?: number;
  readonly cpu?: number;
  readonly gpu?: number;
}

export interface FirstStart {
  readonly username: string;
  readonly password: string;
  /** Null where no engine answered: there is nothing to make a cluster of yet. */
  readonly cluster: { readonly name: string; readonly ram: number; readonly cpu: number; readonly gpu: number } | null;
  readonly engineMessage: string | null;
}

/**
 * What a first start makes: an owner with a password that is shown once, their organization, a context for the command line, and
 * the local engine as the cluster `local`. Null where somebody has an account already.
 */
export async function firstStart(hypervisor: Hypervisor, limits: Limits): Promise<FirstStart | null> {
  const username = 'owner';
  const password = randomBytes(15).toString('base64url');
  const email = `${username}@localhost.invalid`;
  const made = await createFirstOwner(hypervisor.db, { username, email, password, organizationName: 'home' });
  if (made === null) return null;
  const anonymous = sessionOf(hypervisor.url, null);
  const { token } = await call(anonymous, signIn({ client: anonymous.client, body: { username, password } }));
  await saveContext('local', { url: hypervisor.url, token, cluster: 'local' });
  const { cluster, message } = await registerEngine(hypervisor, sessionOf(hypervisor.url, token), limits);
  return { username, password, cluster, engineMessage: message };
}

function sessionOf(url: string, token: string | null): Session {
  return { client: clientOf(url, token), url, token, contextName: null, defaultCluster: null };
}

async function registerEngine(
  hypervisor: Hypervisor,
  session: Session,
  limits: Limits,
): Promise<{ cluster: FirstStart['cluster']; message: string | null }> {
  let capacity: Capacity;
  try {
    capacity = await hypervisor.runtimes.docker.capacity();
  } catch (error) {
    if (error instanceof RuntimeError) return { cluster: null, message: error.message };
    throw error;
  }
  const node = nodeOf(capacity, limits);
  const cluster = await call(
    session,
    createCluster({ client: session.client, body: { name: 'local', nodes: [node] } }),
  );
  return { cluster, message: null };
}

/** The machine, or less of it where that was asked for. */
export function nodeOf(capacity: Capacity, limits: Limits) {
  const gpus = capacity.devices.slice(0, limits.gpu ?? capacity.devices.length);
  return {
    name: 'local',
    ram: Math.min(limits.ram ?? Number.POSITIVE_INFINITY, capacity.ram / 1000),
    cpu: Math.min(limits.cpu ?? Number.POSITIVE_INFINITY, capacity.cpu / 1000),
    gpus: gpus.map(({ model, memoryMib, driver }) => ({
      model,
      memory_gb: Math.round(memoryMib / 1.024) / 1000,
      driver,
    })),
  };
}
