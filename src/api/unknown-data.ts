/** Whether what deployments refer to is there, and allowed. */
import { allowedMount } from '../store/allowed-host-paths.ts';
import { allowedHostPaths } from '../store/clusters.ts';
import type { Database } from '../store/database.ts';
import type { Scope } from '../store/scope.ts';
import { readSecrets } from '../store/secrets.ts';
import type { NewDeployment } from '../store/submit.ts';
import type { UsedVolumes } from '../store/volumes.ts';
import { ApiError, type FieldError } from './errors.ts';

type FieldOf = (index: number, field: string) => string;
type Deployments = readonly Pick<NewDeployment, 'clusterId' | 'volumes' | 'secrets'>[];

/**
 * The refusal of deployments that name a secret or a volume that is not there, or a host path that the cluster does not allow;
 * null where there is none. What is deleted after this look is found missing at the start.
 */
export async function refuseUnknownData(
  db: Database,
  scope: Scope,
  deployments: Deployments,
  volumes: UsedVolumes,
  fieldOf: FieldOf,
): Promise<ApiError | null> {
  const unknown = [
    ...(await unknownSecrets(db, scope, deployments, fieldOf)),
    ...unknownVolumes(deployments, volumes, fieldOf),
  ];
  if (unknown.length > 0) return refusal('unknown_name', unknown);
  const denied = await deniedHostPaths(db, scope, deployments, fieldOf);
  return denied.length > 0 ? refusal('host_path_denied', denied) : null;
}

function refusal(code: 'unknown_name' | 'host_path_denied', errors: readonly FieldError[]): ApiError {
  const [first] = errors;
  return new ApiError(code, `\`${first?.field}\` ${first?.message}.`, { errors });
}

async function unknownSecrets(db: Database, scope: Scope, deployments: Deployments, fieldOf: FieldOf) {
  const names = deployments.flatMap(({ secrets }) => secrets.map(({ name }) => name));
  const known = await readSecrets(db, scope, names);
  return deployments.flatMap(({ secrets }, index) =>
    secrets.flatMap((secret, i): FieldError[] => {
      const found = known.get(secret.name);
      if (found === undefined) {
        const message = `names "${secret.name}", and there is no such secret in this organization`;
        return [{ field: fieldOf(index, `secrets.${i}.name`), message }];
      }
      if (!('env' in secret) || found.is_text) return [];
      const message = `names a secret that is no text: no variable can hold it, a file (\`path\`) can`;
      return [{ field: fieldOf(index, `secrets.${i}.env`), message }];
    }),
  );
}

function unknownVolumes(deployments: Deployments, known: UsedVolumes, fieldOf: FieldOf): FieldError[] {
  return deployments.flatMap(({ clusterId, volumes }, index) =>
    volumes.flatMap((volume, i): FieldError[] => {
      if (!('name' in volume) || known.get(clusterId)?.has(volume.name)) return [];
      const message = `names "${volume.name}", and there is no such volume in this cluster`;
      return [{ field: fieldOf(index, `volumes.${i}.name`), message }];
    }),
  );
}

async function deniedHostPaths(db: Database, scope: Scope, deployments: Deployments, fieldOf: FieldOf) {
  const errors: FieldError[] = [];
  for (const [index, { clusterId, volumes }] of deployments.entries()) {
    if (!volumes.some((volume) => 'host_path' in volume)) continue;
    const allowed = await allowedHostPaths(db, scope, clusterId);
    for (const [i, volume] of volumes.entries()) {
      if (!('host_path' in volume)) continue;
      const verdict = allowedMount(allowed, volume);
      if (verdict.kind === 'denied') {
        const message = `is "${volume.host_path}", which lies in no directory that the cluster allows`;
        errors.push({ field: fieldOf(index, `volumes.${i}.host_path`), message });
      } else if (verdict.kind === 'read_only') {
        const message = `must be true: the cluster allows ${volume.host_path} only to be read`;
        errors.push({ field: fieldOf(index, `volumes.${i}.read_only`), message });
      }
    }
  }
  return errors;
}
