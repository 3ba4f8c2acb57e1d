import { RuntimeError } from '../../runtimes/runtime.ts';
import { namesOf } from '../../store/used-by.ts';
import {
  beginVolumeDeletion,
  createVolume,
  finishVolumeDeletion,
  listVolumes,
  readVolume,
  type VolumeRecord,
} from '../../store/volumes.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { ApiError, notFound } from '../errors.ts';
import { filterId } from '../filters.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentVolume } from '../present/data.ts';
import { nothing } from '../schemas/answers.ts';
import { idParams, pageOf } from '../schemas/common.ts';
import { Volume, VolumeCreate, VolumeListQuery } from '../schemas/volumes.ts';
import { rememberVolumeSizes } from '../volume-sizes.ts';

export const registerVolumeRoutes: Routes = (api, { db, control }) => {
  const sizesOf = rememberVolumeSizes(control);

  async function present(volume: VolumeRecord) {
    return presentVolume(volume, (await sizesOf(volume)).get(volume.id));
  }

  api.post(
    '/volumes',
    {
      config: { role: 'developer', errors: ['not_found', 'name_taken', 'cluster_deleting', 'engine_needed'] },
      schema: {
        tags: ['Data'],
        operationId: 'createVolume',
        summary: 'Create a volume in a cluster',
        body: VolumeCreate,
        response: { 201: Volume },
      },
    },
    async (request, reply) => {
      const { cluster_id, name, engine } = request.body;
      const wanted = { clusterId: pathId(cluster_id, 'cluster'), name, engine };
      const outcome = await createVolume(db, scopeOf(request), wanted, actorOf(request));
      if (outcome.kind === 'unknown_cluster') throw notFound('cluster');
      if (outcome.kind === 'cluster_deleting') throw new ApiError('cluster_deleting');
      if (outcome.kind === 'unknown_engine') throw engineNeeded(engine, outcome.engines);
      return reply.code(201).send(presentVolume(outcome.volume, undefined));
    },
  );

  api.get(
    '/volumes',
    {
      config: { role: 'viewer' },
      schema: {
        tags: ['Data'],
        operationId: 'listVolumes',
        summary: 'List volumes, with their sizes and who uses them',
        querystring: VolumeListQuery,
        response: { 200: pageOf(Volume) },
      },
    },
    async (request) => {
      const { limit, cursor, sort, name, cluster_id } = request.query;
      const key = decodeCursor(cursor, ['time', 'uuid']);
      const page = { limit: limit + 1, after: key && { at: key[0], id: key[1] }, descending: sort.startsWith('-') };
      const filter = { name, clusterId: filterId(cluster_id) };
      const rows = await listVolumes(db, scopeOf(request), filter, page);
      const { items, next_cursor } = pageOfRows(rows, limit, (row) => [row.key.at, row.key.id], present);
      return { items: await Promise.all(items), next_cursor };
    },
  );

  api.get(
    '/volumes/:id',
    {
      config: { role: 'viewer', errors: ['not_found'] },
      schema: {
        tags: ['Data'],
        operationId: 'getVolume',
        summary: 'Read a volume',
        params: idParams,
        response: { 200: Volume },
      },
    },
    async (request) => {
      const volume = await readVolume(db, scopeOf(request), pathId(request.params.id, 'volume'));
      if (volume === null) throw notFound('volume');
      return present(volume);
    },
  );

  api.delete(
    '/volumes/:id',
    {
      config: { role: 'developer', errors: ['not_found', 'volume_in_use'] },
      schema: {
        tags: ['Data'],
        operationId: 'deleteVolume',
        summary: 'Delete a volume, with all that it holds',
        params: idParams,
        response: {
          202: Volume.describe('Its data is removed as soon as its engine lets go of it.'),
          204: nothing,
        },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'volume');
      const scope = scopeOf(request);
      const outcome = await beginVolumeDeletion(db, scope, id, actorOf(request));
      if (outcome.kind === 'unknown') throw notFound('volume');
      if (outcome.kind === 'in_use') {
        throw new ApiError('volume_in_use', `Deployments that are not over use it: ${namesOf(outcome.users)}.`);
      }
      const { volume } = outcome;
      const key = { organizationId: scope.organizationId, volumeId: id };
      try {
        await control.runtimeOf(volume.runtime, volume.engine?.id ?? null).removeVolume(key);
      } catch (error) {
        // The next look at the engine goes through with it.
        if (!(error instanceof RuntimeError)) throw error;
        return reply.code(202).send(presentVolume({ ...volume, deleting: true }, undefined));
      }
      await finishVolumeDeletion(db, id);
      return reply.code(204).send();
    },
  );
};

function engineNeeded(wanted: string | null | undefined, engines: readonly (string | null)[]): ApiError {
  const choices = engines.map((name) => (name === null ? 'null (the installation’s own)' : name)).join(', ');
  const message =
    wanted === undefined
      ? `is needed, since the nodes of the cluster are on several: ${choices}`
      : `is none that a node of the cluster is on; those are: ${choices}`;
  return new ApiError('engine_needed', `\`engine\` ${message}.`, { errors: [{ field: 'engine', message }] });
}
