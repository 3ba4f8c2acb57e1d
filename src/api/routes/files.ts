/** Files out of a container and into it, as tar streams: they are passed on as they come, and never held. */

import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { z } from 'zod';
import { appendEvents } from '../../store/events.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Api, RouteDeps, Routes } from '../context.ts';
import { ApiError } from '../errors.ts';
import { asAnswer, type FoundReplica, findReplica, findRunningReplica } from '../running-replica.ts';
import { idParams } from '../schemas/common.ts';
import { FileInfo, FilesQuery, UploadQuery } from '../schemas/seeing-in.ts';
import { tooLarge, Upload } from '../upload.ts';

const tar = 'application/x-tar';
const gib = 1024 ** 3;

export const registerFileRoutes: Routes = (api, deps) => {
  addInfo(api, deps);
  addDownload(api, deps);
  // Only here is a body something else than JSON.
  api.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(tar, (_request, body, parsed) => parsed(null, body));
    addUpload(scope, deps);
    done();
  });
};

function addInfo(api: Api, deps: RouteDeps): void {
  api.get(
    '/deployments/:id/files/info',
    {
      config: { role: 'developer', errors: ['not_running', 'runtime_unreachable'] },
      schema: {
        operationId: 'getFileInfo',
        summary: 'What there is at a path of a replica',
        tags: ['Deployments'],
        params: idParams,
        querystring: FilesQuery,
        response: { 200: FileInfo },
      },
    },
    async (request) => {
      const { path, replica } = request.query;
      const found = await findReplica(deps, scopeOf(request), pathId(request.params.id, 'deployment'), replica);
      const info = await asAnswer(found.runtime.statFile(found.key, path));
      if (info === null) throw new ApiError('not_found', `There is no ${path} in replica ${replica}.`);
      return {
        path,
        kind: info.kind,
        size_bytes: info.bytes,
        mode: info.mode,
        modified_at: new Date(info.modifiedAt).toISOString(),
      };
    },
  );
}

function addDownload(api: Api, deps: RouteDeps): void {
  api.get(
    '/deployments/:id/files',
    {
      config: { role: 'developer', errors: ['not_running', 'runtime_unreachable'] },
      exposeHeadRoute: false,
      schema: {
        operationId: 'getFiles',
        summary: 'A file of a replica, or a directory with all that is in it, as a tar stream',
        tags: ['Deployments'],
        params: idParams,
        querystring: FilesQuery,
        response: { 200: z.unknown().describe('`application/x-tar`.') },
      },
    },
    async (request, reply) => {
      const { path, replica } = request.query;
      const deploymentId = pathId(request.params.id, 'deployment');
      const found = await findReplica(deps, scopeOf(request), deploymentId, replica);
      const files = await asAnswer(found.runtime.readFiles(found.key, path));
      await note(deps, request, found, 'deployment.files_out', path);
      reply.raw.once('close', () => files.destroy());
      return reply.header('content-type', tar).header('x-accel-buffering', 'no').send(files);
    },
  );
}

function addUpload(api: Api, deps: RouteDeps): void {
  const bytesMax = deps.config.uploadBytesMax ?? gib;
  api.put(
    '/deployments/:id/files',
    {
      config: {
        role: 'developer',
        errors: ['not_running', 'runtime_unreachable', 'body_too_large', 'unusable', 'unsupported_media_type'],
        longBody: true,
      },
      schema: {
        operationId: 'putFiles',
        summary: 'Unpack a tar stream (`application/x-tar`) into a directory of a replica that runs',
        tags: ['Deployments'],
        params: idParams,
        querystring: UploadQuery,
        response: { 204: z.undefined().describe('All is there.') },
      },
    },
    async (request, reply) => {
      const { path, replica } = request.query;
      const deploymentId = pathId(request.params.id, 'deployment');
      if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
      if (request.body === undefined) throw new ApiError('unsupported_media_type', `Files are sent as ${tar}.`);
      const found = await findRunningReplica(deps, scopeOf(request), deploymentId, replica);
      await note(deps, request, found, 'deployment.files_in', path);
      await unpack(found, path, request.body as Readable, bytesMax);
      return reply.code(204).send();
    },
  );
}

async function unpack({ runtime, key }: FoundReplica, path: string, body: Readable, bytesMax: number): Promise<void> {
  const upload = new Upload(bytesMax);
  const broken = new AbortController();
  // The engine may refuse it before all has come: then the rest is not read any more.
  pipeline(body, upload, (error) => {
    if (error) broken.abort(error);
  });
  try {
    await asAnswer(runtime.writeFiles(key, path, upload, broken.signal));
  } catch (error) {
    throw broken.signal.reason instanceof ApiError ? broken.signal.reason : error;
  } finally {
    upload.destroy();
  }
}

async function note(
  { db }: RouteDeps,
  request: Parameters<typeof actorOf>[0],
  { key }: FoundReplica,
  type: 'deployment.files_in' | 'deployment.files_out',
  path: string,
): Promise<void> {
  const copied = type === 'deployment.files_in' ? 'copies files into' : 'copies files out of';
  await appendEvents(db, [
    {
      organizationId: scopeOf(request).organizationId,
      clusterId: key.clusterId,
      deploymentId: key.deploymentId,
      type,
      message: `${copied} replica ${key.replica}: ${path}`,
      data: { replica: key.replica, attempt: key.attempt, path },
      actorId: actorOf(request).userId,
    },
  ]);
}
