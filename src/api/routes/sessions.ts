import { endSession, listSessions } from '../../store/sessions.ts';
import { pathId, signedIn } from '../auth.ts';
import type { Api, RouteDeps } from '../context.ts';
import { notFound } from '../errors.ts';
import { nothing } from '../schemas/answers.ts';
import { idParams } from '../schemas/common.ts';
import { AccountSessions } from '../schemas/identity.ts';

/** Where the account is signed in. */
export function registerSessionRoutes(api: Api, { db, principals }: RouteDeps): void {
  api.get(
    '/me/sessions',
    {
      config: { session: true },
      schema: {
        tags: ['Identity'],
        operationId: 'listSessions',
        summary: 'Where the account is signed in',
        response: { 200: AccountSessions },
      },
    },
    async (request) => {
      const { userId, sessionId } = signedIn(request);
      const rows = await listSessions(db, userId);
      return {
        items: rows.map((row) => ({
          id: row.id,
          created_at: row.created_at.toISOString(),
          last_used_at: row.last_used_at?.toISOString() ?? null,
          expires_at: row.expires_at.toISOString(),
          current: row.id === sessionId,
          user_agent: row.user_agent,
        })),
      };
    },
  );

  api.delete(
    '/me/sessions/:id',
    {
      config: { session: true },
      schema: {
        tags: ['Identity'],
        operationId: 'endSession',
        summary: 'Sign out somewhere else',
        params: idParams,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const isEnded = await endSession(db, signedIn(request).userId, pathId(request.params.id, 'session'));
      principals.clear();
      if (!isEnded) throw notFound('session');
      return reply.code(204).send();
    },
  );
}
