import type { ContainerKey, NetworkKey, VolumeKey } from '../runtime.ts';

/** The labels that make a container ours. Without the first, with our installation in it, nothing is ever touched. */
export const labels = {
  installation: 'hypervisor.installation',
  cluster: 'hypervisor.cluster',
  deployment: 'hypervisor.deployment',
  attempt: 'hypervisor.attempt',
  replica: 'hypervisor.replica',
  organization: 'hypervisor.organization',
  volume: 'hypervisor.volume',
  run: 'hypervisor.run',
} as const;

/**
 * The same run of the same replica of the same attempt has the same name: a repeated start collides with the first and finds
 * it. The first run's has no number, as before there were runs.
 */
export function containerName(installationId: string, key: ContainerKey): string {
  const name = `hv-${installationId.slice(-12)}-${key.deploymentId}-${key.attempt}-${key.replica}`;
  return key.run === 1 ? name : `${name}-${key.run}`;
}

export function labelsOf(installationId: string, key: ContainerKey): Record<string, string> {
  return {
    [labels.installation]: installationId,
    [labels.cluster]: key.clusterId,
    [labels.deployment]: key.deploymentId,
    [labels.attempt]: String(key.attempt),
    [labels.replica]: String(key.replica),
    [labels.run]: String(key.run),
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
    // A container that was made before there were runs is in its first.
    [labels.run]: run = '1',
  } = found;
  if (clusterId === undefined || deploymentId === undefined || attempt === undefined || replica === undefined)
    return null;
  return { clusterId, deploymentId, attempt: Number(attempt), replica: Number(replica), run: Number(run) };
}

/** One for each attempt: whoever starts a replica of it finds the network that another one made. */
export function networkName(installationId: string, key: NetworkKey): string {
  return `hv-${installationId.slice(-12)}-${key.deploymentId}-${key.attempt}`;
}

export function networkLabels(installationId: string, key: NetworkKey): Record<string, string> {
  return {
    [labels.installation]: installationId,
    [labels.cluster]: key.clusterId,
    [labels.deployment]: key.deploymentId,
    [labels.attempt]: String(key.attempt),
  };
}

/** Null where the labels are not those of a network of this installation. */
export function networkKeyOf(
  installationId: string,
  found: Readonly<Record<string, string>> | undefined,
): NetworkKey | null {
  const key = keyOf(installationId, { ...found, [labels.replica]: '0' });
  return key === null ? null : { clusterId: key.clusterId, deploymentId: key.deploymentId, attempt: key.attempt };
}

export function volumeName(installationId: string, key: VolumeKey): string {
  return `hv-${installationId.slice(-12)}-${key.organizationId.slice(-12)}-${key.volumeId}`;
}

export function volumeLabels(installationId: string, key: VolumeKey): Record<string, string> {
  return {
    [labels.installation]: installationId,
    [labels.organization]: key.organizationId,
    [labels.volume]: key.volumeId,
  };
}
