import type { z } from 'zod';
import type { SecretRow } from '../../store/secrets.ts';
import type { VolumeRecord } from '../../store/volumes.ts';
import type { Secret } from '../schemas/secrets.ts';
import type { Volume } from '../schemas/volumes.ts';

export function presentSecret(row: SecretRow): z.infer<typeof Secret> {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
    updated_by: row.updated_by,
    updated_at: row.updated_at.toISOString(),
  };
}

/** `size` in bytes; undefined: not known. */
export function presentVolume(volume: VolumeRecord, size: number | undefined): z.infer<typeof Volume> {
  return {
    id: volume.id,
    cluster_id: volume.clusterId,
    name: volume.name,
    engine: volume.engine,
    status: volume.deleting ? 'deleting' : 'ready',
    size_bytes: size ?? null,
    used_by: volume.users.map(({ id, name }) => ({ id, name })),
    created_by: volume.createdBy,
    created_at: volume.createdAt.toISOString(),
  };
}
