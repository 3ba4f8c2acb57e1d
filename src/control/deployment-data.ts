/** What a deployment brings along, as its containers get it: resolved at the start, and kept nowhere. */
import type { Selectable } from 'kysely';
import { type ContainerFile, type Mount, RuntimeError } from '../runtimes/runtime.ts';
import { allowedMount } from '../store/allowed-host-paths.ts';
import { engineInWords, namesOfVolumes } from '../store/bound-to-engines.ts';
import type { Database } from '../store/database.ts';
import { fileContents } from '../store/deployment-files.ts';
import { CannotDecrypt } from '../store/secrets/crypto.ts';
import type { Keyring } from '../store/secrets/keyring.ts';
import { secretValues } from '../store/secrets.ts';
import type { AllowedHostPath, Tables } from '../store/tables.ts';
import { readVolumesByName } from '../store/volumes.ts';

type Deployment = Pick<
  Selectable<Tables['deployment']>,
  'id' | 'organization_id' | 'cluster_id' | 'volumes' | 'secrets' | 'files'
> & { readonly allowed_host_paths: readonly AllowedHostPath[] };

export interface DeploymentData {
  /** Variables that hold secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly ContainerFile[];
  readonly mounts: readonly Mount[];
  /** Takes the values of its secrets out of a text that others may read. */
  mask(text: string): string;
}

/** A text shorter than this stands in many messages by chance. */
const maskedLength = 4;
const secretMode = '0444';

/**
 * Reads volumes, secrets and files of a deployment, for its containers on an engine. Throws `start_failed`, in words, where something that it refers to has gone
 * since it was submitted, or is not allowed any more.
 */
export async function readDeploymentData(
  db: Database,
  keys: Keyring,
  deployment: Deployment,
  engineId: string | null,
): Promise<DeploymentData> {
  const values = await valuesOf(db, keys, deployment);
  const env = deployment.secrets.flatMap((secret) =>
    'env' in secret ? [[secret.env, valueOf(values, secret.name).toString('utf8')] as const] : [],
  );
  const secretFiles = deployment.secrets.flatMap((secret) =>
    'env' in secret ? [] : [toFile(secret.path, secret.mode, valueOf(values, secret.name))],
  );
  const texts = [...values.values()].map((value) => value.toString('utf8'));
  return {
    env: Object.fromEntries(env),
    files: [...(await filesOf(db, deployment)), ...secretFiles],
    mounts: await mountsOf(db, deployment, engineId),
    mask: (text) =>
      texts.filter(({ length }) => length >= maskedLength).reduce((masked, one) => masked.replaceAll(one, '***'), text),
  };
}

async function valuesOf(
  db: Database,
  keys: Keyring,
  { organization_id, secrets }: Deployment,
): Promise<Map<string, Buffer>> {
  const names = secrets.map(({ name }) => name);
  try {
    return await secretValues(db, { organizationId: organization_id }, names, keys);
  } catch (error) {
    if (!(error instanceof CannotDecrypt)) throw error;
    const words = `one of the secrets ${names.join(', ')} can't be decrypted: set it again, or put back the key of the installation`;
    throw new RuntimeError('start_failed', words);
  }
}

function valueOf(values: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const value = values.get(name);
  if (value === undefined) throw gone(`the secret ${name}`);
  return value;
}

async function filesOf(db: Database, { id, files }: Deployment): Promise<ContainerFile[]> {
  if (files.length === 0) return [];
  const contents = await fileContents(db, id);
  return files.map(({ path, mode, sha256 }) => {
    const content = contents.get(sha256);
    if (content === undefined) throw gone(`what ${path} holds`);
    return toFile(path, mode, content);
  });
}

function toFile(path: string, mode: string = secretMode, content: Buffer): ContainerFile {
  return { path, mode: Number.parseInt(mode, 8), content };
}

async function mountsOf(db: Database, deployment: Deployment, engineId: string | null): Promise<Mount[]> {
  const scope = { organizationId: deployment.organization_id };
  const volumes = await readVolumesByName(db, scope, deployment.cluster_id, namesOfVolumes(deployment.volumes));
  return deployment.volumes.map((used): Mount => {
    const where = { path: used.path, readOnly: used.read_only };
    if ('host_path' in used) {
      const allowed = allowedMount(deployment.allowed_host_paths, used);
      if (allowed.kind === 'allowed') {
        return { kind: 'host', hostPath: used.host_path, within: allowed.within, ...where };
      }
      throw new RuntimeError('start_failed', `the cluster does not allow ${used.host_path} any more`);
    }
    const volume = volumes.get(used.name);
    if (volume === undefined) throw gone(`the volume ${used.name}`);
    // It was made anew elsewhere, under its old name, since this was placed: its data must not begin a second life here.
    if (volume.engineId !== engineId) {
      const words = `the data of the volume ${used.name} is on ${engineInWords(volume.engineName)}, and it was to start elsewhere`;
      throw new RuntimeError('start_failed', words);
    }
    return { kind: 'volume', volume: { organizationId: scope.organizationId, volumeId: volume.id }, ...where };
  });
}

function gone(what: string): RuntimeError {
  return new RuntimeError('start_failed', `${what} is not there any more: it was deleted after the submission`);
}
