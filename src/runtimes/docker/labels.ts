import type { ContainerKey } from '../runtime.ts';

/** The labels that make a container ours. Without the first, with our installation in it, nothing is ever touched. */
export const labels = {
  installation: 'hypervisor.installation',
  cluster: 'hypervisor.cluster',
  deployment: 'hypervisor.deployment',
  attempt: 'hypervisor.attempt',
  replica: 'hypervisor.replica',
} as const;

/** The same replica of the same attempt has the same name: a repeated start collides with the first and finds it. */
export function containerName(installationId: string, key: ContainerKey): string {
  return `hv-${installationId.slice(-12)}-${key.deploymentId}-${key.attempt}-${key.replica}`;
}

export function labelsOf(installationId: string, key: ContainerKey): Record<string, string> {
  return {
    [labels.installation]: installationId,
    [labels.cluster]: key.clusterId,
    [labels.deployment]: key.deploymentId,
    [labels.attempt]: String(key.attempt),
    [labels.replica]: String(key.replica),
  };
}

/** Null where the labels are not those of a container of this installation. */
export function keyOf(
  installationId: string,
  found: Readonly<Record<string, string>> | undefined,
): ContainerKey | null {
  if (found?.[labels.installation] !== installationId) return null;
  const {
    [labels.cluster]: clusterId,
    [labels.deployment]: deploymentId,
    [labels.attempt]: attempt,
    [labels.replica]: replica,
  } = found;
  if (clusterId === undefined || deploymentId === undefined || attempt === undefined || replica === undefined)
    return null;
  return { clusterId, deploymentId, attempt: Number(attempt), replica: Number(replica) };
}
