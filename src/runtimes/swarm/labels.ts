/** The labels of what is ours in a swarm, and the names that make a repeated start find the first. */
import { createHash } from 'node:crypto';
import type { ContainerKey } from '../runtime.ts';

/** On services, secrets and networks, beside those of containers (../docker/labels.ts). */
export const swarmLabels = {
  /** The node that it is for: each node's runtime looks after its own. */
  node: 'hypervisor.node',
  /** The service that a secret or a network is for. */
  service: 'hypervisor.service',
} as const;

/** The engine's own label on the container of a task. */
export const serviceIdLabel = 'com.docker.swarm.service.id';

/**
 * What labels say whose it is. Not the plain id: where a node's engine is also one that we start containers on directly, that
 * runtime must not take the containers of the swarm for its own.
 */
export function installationOf(installationId: string): string {
  return `swarm/${installationId}`;
}

/** As containers are named, without the dashes of the id: a service's name has at most 63 characters. */
export function serviceName(installationId: string, key: ContainerKey): string {
  const deployment = key.deploymentId.replaceAll('-', '');
  return `hv-${installationId.slice(-12)}-${deployment}-${key.attempt}-${key.replica}-${key.run}`;
}

/** A secret's name has at most 64 characters: what it is for is told by its labels. */
export function secretName(service: string, path: string): string {
  const hash = createHash('sha256').update(`${service}:${path}`).digest('hex');
  return `hv-${hash.slice(0, 40)}`;
}
