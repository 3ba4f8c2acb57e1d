import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import { hashPassword, isPassword } from '../../store/secrets/passwords.ts';
import { createSession, deleteSession, type NewSession, type SessionTerms } from '../../store/sessions.ts';
import { findByLogin, register, type UserRow } from '../../store/users.ts';
import { signedIn } from '../auth.ts';
import { clearSessionCookie, setSessionCookie } from '../auth-cookie.ts';
import { byAddress, bySubject } from '../auth-limits.ts';
import { refuseWeakPassword } from '../auth-passwords.ts';
import type { Api, RouteDeps } from '../context.ts';
import { ApiError } from '../errors.ts';
import { presentUser } from '../present/identity.ts';
import { nothing } from '../schemas/answers.ts';
import { RegisterCreate, Session, SignInCreate } from '../schemas/identity.ts';

const defaultSessionDays = 30;
/** Some programs call themselves by very long names. */
const userAgentMax = 300;

/** Accounts and sessions. */
export function registerAuthRoutes(api: Api, { db, config, principals }: RouteDeps): void {
  const sessionDays = config.sessionDays ?? defaultSessionDays;

  function terms(headers: IncomingHttpHeaders): SessionTerms {
    return { days: sessionDays, userAgent: headers['user-agent']?.slice(0, userAgentMax) ?? null };
  }

  function answer(reply: FastifyReply, user: UserRow, session: NewSession) {
    setSessionCookie(reply, session.token, session.expiresAt, config.secureCookies);
    return { token: session.token, expires_at: session.expiresAt.toISOString(), user: presentUser(user) };
  }

  api.post(
    '/auth/register',
    {
      config: {
        public: true,
        rateLimit: byAddress(config.registerLimit),
        errors: ['registration_closed', 'unknown_invite', 'username_taken', 'email_taken'],
      },
      schema: {
        tags: ['Identity'],
        operationId: 'register',
        summary: 'Create an account, and sign in',
        body: RegisterCreate,
        response: { 201: Session },
      },
    },
    async ({ body, headers }, reply) => {
      if (config.registration === 'invite' && body.invite === undefined) {
        throw new ApiError('registration_closed', 'Registration is closed on this installation.');
      }
      refuseWeakPassword(body.password, body);
      const passwordHash = await hashPassword(body.password);
      const { username, email, invite } = body;
      const registration = await register(db, { username, email, passwordHash }, { invite, session: terms(headers) });
      if (registration.kind === 'unknown_invite') throw new ApiError('unknown_invite');
      reply.code(201);
      return answer(reply, registration.user, registration.session);
    },
  );

  api.post(
    '/auth/sign-in',
    {
      config: {
        public: true,
        rateLimit: bySubject(config.signInLimit, ({ body }) => (body as SignIn).username),
        errors: ['wrong_credentials'],
      },
      schema: {
        tags: ['Identity'],
        operationId: 'signIn',
        summary: 'Begin a session',
        body: SignInCreate,
        response: { 200: Session },
      },
    },
    async ({ body, headers }, reply) => {
      const user = await findByLogin(db, body.username);
      const matches = await isPassword(body.password, user?.password);
      if (user === undefined || !matches) throw new ApiError('wrong_credentials');
      return answer(reply, user, await createSession(db, user.id, terms(headers)));
    },
  );

  api.post(
    '/auth/sign-out',
    {
      config: { session: true },
      schema: {
        tags: ['Identity'],
        operationId: 'signOut',
        summary: 'End the session',
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const { sessionId } = signedIn(request);
      if (sessionId !== null) await deleteSession(db, sessionId);
      principals.clear();
      clearSessionCookie(reply, config.secureCookies);
      return reply.code(204).send();
    },
  );
}

interface SignIn {
  readonly username: string;
}
