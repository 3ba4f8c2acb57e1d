import { appendEvents } from '../../store/events.ts';
import { reEncrypt } from '../../store/secrets/re-encrypt.ts';
import { createSecret, deleteSecret, listSecrets, readSecret, rotateSecret } from '../../store/secrets.ts';
import { namesOf } from '../../store/used-by.ts';
import { actorOf, scopeOf } from '../auth.ts';
import type { Api, RouteDeps } from '../context.ts';
import { ApiError, invalidField, notFound } from '../errors.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentSecret } from '../present/data.ts';
import { nothing } from '../schemas/answers.ts';
import { PageQuery, pageOf } from '../schemas/common.ts';
import { bytesOf, type Encoding, isBase64 } from '../schemas/data.ts';
import {
  KeyChange,
  Secret,
  SecretCreate,
  SecretDeleteQuery,
  SecretUpdate,
  secretBytesMax,
  secretParams,
} from '../schemas/secrets.ts';

/** Secrets of the organization. Values go in and never come out: developers refer to them, admins set them. */
export function registerSecretRoutes(api: Api, { db, secretKey }: RouteDeps): void {
  api.post(
    '/secrets',
    {
      config: { role: 'admin', errors: ['name_taken'] },
      schema: {
        tags: ['Data'],
        operationId: 'createSecret',
        summary: 'Create a secret',
        body: SecretCreate,
        response: { 201: Secret },
      },
    },
    async (request, reply) => {
      const { name, value, encoding } = request.body;
      const secret = { name, value: valueOf(value, encoding) };
      const made = await createSecret(db, scopeOf(request), secret, secretKey, actorOf(request));
      return reply.code(201).send(presentSecret(made));
    },
  );

  api.get(
    '/secrets',
    {
      config: { role: 'developer' },
      schema: {
        tags: ['Data'],
        operationId: 'listSecrets',
        summary: 'The secrets by name, without their values',
        querystring: PageQuery,
        response: { 200: pageOf(Secret) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = decodeCursor(cursor, ['text'])?.[0];
      const rows = await listSecrets(db, scopeOf(request), { limit: limit + 1, after });
      return pageOfRows(rows, limit, (row) => [row.name], presentSecret);
    },
  );

  api.get(
    '/secrets/:name',
    {
      config: { role: 'developer', errors: ['not_found'] },
      schema: {
        tags: ['Data'],
        operationId: 'getSecret',
        summary: 'Read what is known of a secret: not its value',
        params: secretParams,
        response: { 200: Secret },
      },
    },
    async (request) => {
      const secret = await readSecret(db, scopeOf(request), knownName(request.params.name));
      if (secret === null) throw notFound('secret');
      return presentSecret(secret);
    },
  );

  api.put(
    '/secrets/:name',
    {
      config: { role: 'admin', errors: ['not_found'] },
      schema: {
        tags: ['Data'],
        operationId: 'rotateSecret',
        summary: 'Give a secret a new value, as its next version',
        description: 'Containers that run keep the value that they were started with.',
        params: secretParams,
        body: SecretUpdate,
        response: { 200: Secret },
      },
    },
    async (request) => {
      const { value, encoding } = request.body;
      const secret = { name: knownName(request.params.name), value: valueOf(value, encoding) };
      const rotated = await rotateSecret(db, scopeOf(request), secret, secretKey, actorOf(request));
      if (rotated === null) throw notFound('secret');
      return presentSecret(rotated);
    },
  );

  api.delete(
    '/secrets/:name',
    {
      config: { role: 'admin', errors: ['not_found', 'secret_in_use'] },
      schema: {
        tags: ['Data'],
        operationId: 'deleteSecret',
        summary: 'Delete a secret',
        params: secretParams,
        querystring: SecretDeleteQuery,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const name = knownName(request.params.name);
      const outcome = await deleteSecret(db, scopeOf(request), name, request.query, actorOf(request));
      if (outcome.kind === 'unknown') throw notFound('secret');
      if (outcome.kind === 'in_use') {
        throw new ApiError('secret_in_use', `Deployments that are not over refer to it: ${namesOf(outcome.users)}.`);
      }
      return reply.code(204).send();
    },
  );

  api.post(
    '/secret-key/change',
    {
      config: { role: 'owner', operator: true },
      schema: {
        tags: ['Data'],
        operationId: 'changeSecretKey',
        summary: 'Change the key that encrypts secrets, of all organizations',
        description: 'All values are encrypted again in one transaction. Repeated, it makes another key.',
        response: { 200: KeyChange },
      },
    },
    async (request) => {
      const values = await secretKey.change(() => reEncrypt(db, secretKey));
      await appendEvents(db, [
        {
          organizationId: scopeOf(request).organizationId,
          type: 'secret_key.changed',
          message: 'the key that encrypts secrets was changed',
          data: { values },
          actorId: actorOf(request).userId,
        },
      ]);
      return { values };
    },
  );
}

function valueOf(text: string, encoding: Encoding): Buffer {
  if (encoding === 'base64' && !isBase64(text)) throw invalidField('value', 'must be base64, as `encoding` says');
  const value = bytesOf(text, encoding);
  if (value.length > secretBytesMax) throw invalidField('value', `must be at most ${secretBytesMax / 1024} KiB`);
  return value;
}

/** What can be no name is unknown: no query need be asked. */
function knownName(name: string): string {
  if (!/^[\w.-]{1,63}$/.test(name)) throw notFound('secret');
  return name;
}
