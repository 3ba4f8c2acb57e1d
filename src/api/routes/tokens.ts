import { z } from 'zod';
import { isAtLeast } from '../../store/roles.ts';
import { createToken, listTokens, revokeToken } from '../../store/tokens.ts';
import { type Access, actorOf, pathId, scopeOf, signedIn } from '../auth.ts';
import type { Api, RouteDeps } from '../context.ts';
import { ApiError, notFound } from '../errors.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentToken } from '../present/identity.ts';
import { nothing } from '../schemas/answers.ts';
import { id, idParams, PageQuery, pageOf } from '../schemas/common.ts';
import { Token, TokenCreate, TokenWithSecret } from '../schemas/identity.ts';

/** Tokens for machines. Members have their own; admins see and revoke all. */
export function registerTokenRoutes(api: Api, { db, principals }: RouteDeps): void {
  api.post(
    '/organizations/:id/tokens',
    {
      config: { role: 'viewer', organization: 'path', session: true },
      schema: {
        tags: ['Identity'],
        operationId: 'createToken',
        summary: 'Make an API token for oneself',
        description: 'It acts in this organization only, and with the own role at most. It is shown once.',
        params: idParams,
        body: TokenCreate,
        response: { 201: TokenWithSecret },
      },
    },
    async (request, reply) => {
      const scope = scopeOf(request);
      const { name, role = scope.role, expires_in_s } = request.body;
      if (!isAtLeast(scope.role, role)) {
        throw new ApiError('role_too_low', `A token as ${role} needs that role; yours is ${scope.role}.`);
      }
      const { userId } = signedIn(request);
      const token = await createToken(db, scope, { userId, name, role, expiresInS: expires_in_s });
      reply.code(201);
      return { ...presentToken(token), token: token.token };
    },
  );

  api.get(
    '/organizations/:id/tokens',
    {
      config: { role: 'viewer', organization: 'path' },
      schema: {
        tags: ['Identity'],
        operationId: 'listTokens',
        summary: 'One’s own API tokens; for admins, all',
        params: idParams,
        querystring: PageQuery,
        response: { 200: pageOf(Token) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const scope = scopeOf(request);
      const after = decodeCursor(cursor, ['uuid'])?.[0];
      const rows = await listTokens(db, scope, visibleTo(scope, signedIn(request).userId), { limit, after });
      return pageOfRows(rows, limit, (row) => [row.id], presentToken);
    },
  );

  api.delete(
    '/organizations/:id/tokens/:token_id',
    {
      config: { role: 'viewer', organization: 'path' },
      schema: {
        tags: ['Identity'],
        operationId: 'revokeToken',
        summary: 'Revoke an API token',
        params: z.object({ id, token_id: id }),
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const scope = scopeOf(request);
      const ofUser = visibleTo(scope, signedIn(request).userId);
      const tokenId = pathId(request.params.token_id, 'token');
      const outcome = await revokeToken(db, scope, tokenId, ofUser, actorOf(request));
      principals.clear();
      if (outcome === 'unknown') throw notFound('token');
      if (outcome === 'not_own') throw new ApiError('role_too_low', 'Tokens of others need the role admin.');
      return reply.code(204).send();
    },
  );
}

/** Null: everybody's. */
function visibleTo({ role }: Access, userId: string): string | null {
  return isAtLeast(role, 'admin') ? null : userId;
}
