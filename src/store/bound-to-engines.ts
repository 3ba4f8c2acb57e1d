/** Who uses volumes runs where their data is: the request of a deployment says so by labels that only nodes of that engine have. */
import { engineLabel } from '../core/engine-label.ts';
import { compareIds } from '../core/ids.ts';
import type { Request } from '../core/model.ts';
import type { VolumeColumn } from './tables.ts';
import type { PlacedVolume } from './volumes.ts';

/** Of what is used, the named volumes. */
export function namesOfVolumes(used: readonly VolumeColumn[]): string[] {
  return used.flatMap((one) => ('name' in one ? [one.name] : []));
}

/** Volumes on different engines ask for the labels of both, which no node has. A volume that is not there binds nobody. */
export function boundToEngines(
  request: Request,
  used: readonly VolumeColumn[],
  volumes: ReadonlyMap<string, PlacedVolume>,
): Request {
  const placed = namesOfVolumes(used).flatMap((name) => volumes.get(name) ?? []);
  const engines = new Map(placed.filter(({ binds }) => binds).map((one) => [engineLabel(one.engineId), one]));
  if (engines.size === 0) return request;
  const labels = [...engines.keys()].toSorted(compareIds);
  return {
    ...request,
    nodeLabels: { ...request.nodeLabels, ...Object.fromEntries(labels.map((label) => [label, ''])) },
    volumesOn: labels.map((label) => engineInWords(engines.get(label)?.engineName ?? null)).join(' and '),
  };
}

export function engineInWords(name: string | null): string {
  return name === null ? 'the installation’s own engine' : `the engine ${name}`;
}
