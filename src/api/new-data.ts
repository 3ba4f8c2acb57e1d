import { createHash } from 'node:crypto';
import type { NewDeployment } from '../store/submit.ts';
import type { SecretColumn, VolumeColumn } from '../store/tables.ts';
import { bytesOf } from './schemas/data.ts';
import type { DeploymentBody } from './submission.ts';

const secretMode = '0444';

/** The data of a deployment as it is stored, from its body. */
export function newData(body: DeploymentBody): Pick<NewDeployment, 'volumes' | 'secrets' | 'files' | 'network'> {
  return {
    volumes: body.volumes.map(volumeColumn),
    secrets: body.secrets.map(secretColumn),
    files: body.files.map(({ path, mode, content, encoding }) => {
      const bytes = bytesOf(content, encoding);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { path, mode, size: bytes.length, sha256, content: bytes };
    }),
    network: body.network ?? (body.replicas > 1 ? 'private' : 'shared'),
  };
}

/** The schema has seen to it that there is one of the two. */
function volumeColumn({ name, host_path, path, read_only }: DeploymentBody['volumes'][number]): VolumeColumn {
  return name === undefined ? { host_path: host_path ?? '', path, read_only } : { name, path, read_only };
}

function secretColumn({ name, env, path, mode = secretMode }: DeploymentBody['secrets'][number]): SecretColumn {
  return env === undefined ? { name, path: path ?? '', mode } : { name, env };
}
