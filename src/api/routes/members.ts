import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  type ActingMember,
  changeRole,
  listMembers,
  type MemberChange,
  type MemberRow,
  removeMember,
} from '../../store/memberships.ts';
import { isAtLeast } from '../../store/roles.ts';
import { pathId, scopeOf, signedIn } from '../auth.ts';
import type { Api, RouteDeps } from '../context.ts';
import { ApiError, notFound } from '../errors.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentMember } from '../present/identity.ts';
import { nothing } from '../schemas/answers.ts';
import { id, idParams, PageQuery, pageOf } from '../schemas/common.ts';
import { Member, MemberUpdate } from '../schemas/identity.ts';

const memberParams = z.object({ id, user_id: id });

/** The people of an organization. */
export function registerMemberRoutes(api: Api, { db, principals }: RouteDeps): void {
  api.get(
    '/organizations/:id/members',
    {
      config: { role: 'viewer', organization: 'path' },
      schema: {
        tags: ['Organizations'],
        operationId: 'listMembers',
        summary: 'The members, by username',
        params: idParams,
        querystring: PageQuery,
        response: { 200: pageOf(Member) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = decodeCursor(cursor, ['text'])?.[0];
      const rows = await listMembers(db, scopeOf(request), { limit, after });
      return pageOfRows(rows, limit, ({ sort }) => [sort], presentMember);
    },
  );

  api.patch(
    '/organizations/:id/members/:user_id',
    {
      config: { role: 'admin', organization: 'path', errors: ['last_owner'] },
      schema: {
        tags: ['Organizations'],
        operationId: 'updateMember',
        summary: 'Give a member another role',
        description: 'Only owners make owners, and only owners change what an owner is.',
        params: memberParams,
        body: MemberUpdate,
        response: { 200: Member },
      },
    },
    async (request) => {
      const userId = pathId(request.params.user_id, 'member');
      const change = await changeRole(db, scopeOf(request), userId, request.body.role, actingMember(request));
      principals.clear();
      return presentMember(changedMember(change));
    },
  );

  api.delete(
    '/organizations/:id/members/:user_id',
    {
      config: { role: 'viewer', organization: 'path', errors: ['last_owner'] },
      schema: {
        tags: ['Organizations'],
        operationId: 'removeMember',
        summary: 'Remove a member, or leave',
        description: 'Admins remove members, owners also owners; everybody may leave but the last owner.',
        params: memberParams,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const by = actingMember(request);
      const userId = request.params.user_id.toLowerCase();
      // Before it is told whether there is such a member: who may not remove anybody need not know.
      if (userId !== by.userId && !isAtLeast(by.role, 'admin')) {
        throw new ApiError('role_too_low', `This needs the role admin; yours is ${by.role}.`);
      }
      changedMember(await removeMember(db, scopeOf(request), pathId(userId, 'member'), by));
      principals.clear();
      return reply.code(204).send();
    },
  );
}

function actingMember(request: FastifyRequest): ActingMember {
  return { userId: signedIn(request).userId, role: scopeOf(request).role };
}

function changedMember(change: MemberChange): MemberRow {
  switch (change.kind) {
    case 'done':
      return change.member;
    case 'unknown':
      throw notFound('member');
    case 'last_owner':
      throw new ApiError('last_owner', 'This is the only owner of the organization.');
    case 'role_too_low':
      throw new ApiError('role_too_low', 'Only owners decide about owners.');
  }
}
