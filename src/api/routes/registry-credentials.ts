import {
  changeRegistryCredential,
  createRegistryCredential,
  deleteRegistryCredential,
  listRegistryCredentials,
  normalizeServer,
} from '../../store/registry-credentials.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Api, RouteDeps } from '../context.ts';
import { notFound } from '../errors.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentRegistryCredential } from '../present/identity.ts';
import { nothing } from '../schemas/answers.ts';
import { idParams, PageQuery, pageOf } from '../schemas/common.ts';
import { RegistryCredential, RegistryCredentialCreate, RegistryCredentialUpdate } from '../schemas/identity.ts';

/** Credentials for private images. Passwords go in and never come out. */
export function registerRegistryCredentialRoutes(api: Api, { db, secretKey }: RouteDeps): void {
  api.post(
    '/registry-credentials',
    {
      config: { role: 'admin', errors: ['name_taken'] },
      schema: {
        tags: ['Deployments'],
        operationId: 'createRegistryCredential',
        summary: 'Add credentials for an image registry',
        body: RegistryCredentialCreate,
        response: { 201: RegistryCredential },
      },
    },
    async (request, reply) => {
      const { server, username, password } = request.body;
      const credential = await createRegistryCredential(
        db,
        scopeOf(request),
        { server: normalizeServer(server), username, password },
        secretKey,
        actorOf(request),
      );
      reply.code(201);
      return presentRegistryCredential(credential);
    },
  );

  api.put(
    '/registry-credentials/:id',
    {
      config: { role: 'admin', errors: ['not_found'] },
      schema: {
        tags: ['Deployments'],
        operationId: 'changeRegistryCredential',
        summary: 'Change the password for a registry, and the name where one is given',
        params: idParams,
        body: RegistryCredentialUpdate,
        response: { 200: RegistryCredential },
      },
    },
    async (request) => {
      const id = pathId(request.params.id, 'registry credential');
      const { username, password } = request.body;
      const change = { username, password };
      const changed = await changeRegistryCredential(db, scopeOf(request), id, change, secretKey, actorOf(request));
      if (changed === null) throw notFound('registry credential');
      return presentRegistryCredential(changed);
    },
  );

  api.get(
    '/registry-credentials',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Deployments'],
        operationId: 'listRegistryCredentials',
        summary: 'The registries with credentials, by name',
        querystring: PageQuery,
        response: { 200: pageOf(RegistryCredential) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = decodeCursor(cursor, ['text'])?.[0];
      const rows = await listRegistryCredentials(db, scopeOf(request), { limit, after });
      return pageOfRows(rows, limit, (row) => [row.server], presentRegistryCredential);
    },
  );

  api.delete(
    '/registry-credentials/:id',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Deployments'],
        operationId: 'deleteRegistryCredential',
        summary: 'Delete the credentials for a registry',
        params: idParams,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'registry credential');
      const deleted = await deleteRegistryCredential(db, scopeOf(request), id, actorOf(request));
      if (!deleted) throw notFound('registry credential');
      return reply.code(204).send();
    },
  );
}
