import { z } from 'zod';
import { acceptInvite, createInvite, listInvites, revokeInvite } from '../../store/invites.ts';
import { getOrganization } from '../../store/organizations.ts';
import { isAtLeast } from '../../store/roles.ts';
import { actorOf, pathId, scopeOf, signedIn } from '../auth.ts';
import type { Api, RouteDeps } from '../context.ts';
import { ApiError, notFound } from '../errors.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentInvite, presentOrganization } from '../present/identity.ts';
import { nothing } from '../schemas/answers.ts';
import { id, idParams, PageQuery, pageOf } from '../schemas/common.ts';
import { Invite, InviteCreate, InviteWithCode, Organization } from '../schemas/identity.ts';

/** How people get into an organization. */
export function registerInviteRoutes(api: Api, { db, principals }: RouteDeps): void {
  api.post(
    '/organizations/:id/invites',
    {
      config: { role: 'admin', organization: 'path' },
      schema: {
        tags: ['Organizations'],
        operationId: 'createInvite',
        summary: 'Make an invite',
        description: 'Its code is shown once. Its role is at most the own one.',
        params: idParams,
        body: InviteCreate,
        response: { 201: InviteWithCode },
      },
    },
    async (request, reply) => {
      const { role, expires_in_s, max_uses } = request.body;
      const scope = scopeOf(request);
      if (!isAtLeast(scope.role, role)) {
        throw new ApiError('role_too_low', `An invite as ${role} needs that role; yours is ${scope.role}.`);
      }
      const invite = await createInvite(
        db,
        scope,
        { role, expiresInS: expires_in_s, maxUses: max_uses },
        actorOf(request),
      );
      reply.code(201);
      return { ...presentInvite(invite), code: invite.code };
    },
  );

  api.get(
    '/organizations/:id/invites',
    {
      config: { role: 'admin', organization: 'path' },
      schema: {
        tags: ['Organizations'],
        operationId: 'listInvites',
        summary: 'The invites, the newest first',
        params: idParams,
        querystring: PageQuery,
        response: { 200: pageOf(Invite) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = decodeCursor(cursor, ['uuid'])?.[0];
      const rows = await listInvites(db, scopeOf(request), { limit, after });
      return pageOfRows(rows, limit, (row) => [row.id], presentInvite);
    },
  );

  api.delete(
    '/organizations/:id/invites/:invite_id',
    {
      config: { role: 'admin', organization: 'path' },
      schema: {
        tags: ['Organizations'],
        operationId: 'revokeInvite',
        summary: 'Revoke an invite',
        params: z.object({ id, invite_id: id }),
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const inviteId = pathId(request.params.invite_id, 'invite');
      if (!(await revokeInvite(db, scopeOf(request), inviteId, actorOf(request)))) throw notFound('invite');
      return reply.code(204).send();
    },
  );

  api.post(
    '/invites/:code/accept',
    {
      config: { session: true, errors: ['unknown_invite', 'already_member'] },
      schema: {
        tags: ['Organizations'],
        operationId: 'acceptInvite',
        summary: 'Join an organization',
        params: z.object({ code: z.string() }),
        response: { 201: Organization },
      },
    },
    async (request, reply) => {
      const { userId, username } = signedIn(request);
      const acceptance = await acceptInvite(db, request.params.code, { id: userId, username });
      principals.clear();
      if (acceptance.kind === 'unknown') throw new ApiError('unknown_invite');
      if (acceptance.kind === 'already_member') throw new ApiError('already_member');
      const organization = await getOrganization(db, acceptance.invite);
      if (organization === undefined) throw new ApiError('unknown_invite');
      reply.code(201);
      return presentOrganization(organization, acceptance.invite.role);
    },
  );
}
