/** Volumes that no node could have all together. */
import { engineInWords } from '../store/bound-to-engines.ts';
import type { NewDeployment } from '../store/submit.ts';
import type { UsedVolumes } from '../store/volumes.ts';
import { ApiError, type FieldError } from './errors.ts';

/** The refusal of deployments whose volumes are on different engines; null where none has such. */
export function refuseVolumesApart(
  volumes: UsedVolumes,
  deployments: readonly Pick<NewDeployment, 'clusterId' | 'volumes'>[],
  fieldOf: (index: number, field: string) => string,
): ApiError | null {
  const errors = deployments.flatMap((deployment, index) =>
    apart(volumes, deployment, (field) => fieldOf(index, field)),
  );
  const [first] = errors;
  return first === undefined ? null : new ApiError('volumes_apart', `\`${first.field}\` ${first.message}.`, { errors });
}

function apart(
  volumes: UsedVolumes,
  deployment: Pick<NewDeployment, 'clusterId' | 'volumes'>,
  fieldOf: (field: string) => string,
): FieldError[] {
  const known = volumes.get(deployment.clusterId);
  const used = deployment.volumes.flatMap((one, i) => {
    const placed = 'name' in one ? known?.get(one.name) : undefined;
    return 'name' in one && placed !== undefined ? [{ name: one.name, field: `volumes.${i}.name`, ...placed }] : [];
  });
  const [first] = used;
  const other = used.find(({ engineId }) => engineId !== first?.engineId);
  if (first === undefined || other === undefined) return [];
  const message = `names "${other.name}", which is on ${engineInWords(other.engineName)}, and "${first.name}" is on ${engineInWords(first.engineName)}: no container can have both`;
  return [{ field: fieldOf(other.field), message }];
}
