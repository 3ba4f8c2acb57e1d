import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { isUuid } from '../../store/ids.ts';
import { listOrganizations } from '../../store/organizations.ts';
import type { Principal } from '../../store/principal.ts';
import { hashPassword, isPassword } from '../../store/secrets/passwords.ts';
import { findToken } from '../../store/tokens.ts';
import { changeAccount, findUser, type UserRow } from '../../store/users.ts';
import { signedIn } from '../auth.ts';
import { bySubject } from '../auth-limits.ts';
import { refuseWeakPassword } from '../auth-passwords.ts';
import type { Api, RouteDeps } from '../context.ts';
import { ApiError, invalidField } from '../errors.ts';
import { presentUser } from '../present/identity.ts';
import { Me, MeUpdate } from '../schemas/identity.ts';

/** More organizations than anybody is in; whoever is in more pages through GET /organizations. */
const shownOrganizations = 1000;

/** The account that is signed in. */
export function registerMeRoutes(api: Api, { db, config, principals }: RouteDeps): void {
  api.get(
    '/me',
    {
      schema: {
        tags: ['Identity'],
        operationId: 'getMe',
        summary: 'Who is signed in, and where',
        response: { 200: Me },
      },
    },
    async (request) => {
      const principal = signedIn(request);
      return describeMe(principal, await existingUser(principal));
    },
  );

  api.patch(
    '/me',
    {
      config: {
        session: true,
        rateLimit: bySubject(config.signInLimit, passwordChanger),
        errors: ['wrong_password', 'not_found'],
      },
      schema: {
        tags: ['Identity'],
        operationId: 'updateMe',
        summary: 'Switch the organization in use, or change the password',
        description: 'A new password ends all other sessions.',
        body: MeUpdate,
        response: { 200: Me },
      },
    },
    async (request) => {
      const principal = signedIn(request);
      const { organization_id, password, current_password } = request.body;
      const present = await existingUser(principal);
      if (organization_id !== undefined && !isUuid(organization_id)) throw unknownOrganization();
      if (password !== undefined) await checkNewPassword(present, password, current_password);
      const user = await changeAccount(db, {
        userId: principal.userId,
        organizationId: organization_id?.toLowerCase(),
        passwordHash: password === undefined ? undefined : await hashPassword(password),
        sessionId: principal.sessionId,
      });
      principals.clear();
      if (user === undefined) throw unknownOrganization();
      return describeMe({ ...principal, organizationId: user.organization_id }, user);
    },
  );

  async function existingUser({ userId }: Principal): Promise<UserRow> {
    const user = await findUser(db, userId);
    if (user === undefined) throw new ApiError('unauthenticated', 'The account was removed.');
    return user;
  }

  async function describeMe(principal: Principal, user: UserRow): Promise<z.infer<typeof Me>> {
    const { tokenId, organizationId, userId } = principal;
    const only = tokenId === null || organizationId === null ? null : { organizationId };
    const rows = await listOrganizations(db, userId, { limit: shownOrganizations, after: undefined }, only);
    const token = tokenId === null ? undefined : await findToken(db, tokenId);
    const organizations = rows.map(({ id, name, role }) => ({ id, name, role }));
    return {
      user: presentUser(user),
      organization: organizations.find(({ id }) => id === organizationId) ?? null,
      organizations,
      token: token === undefined || principal.role === null ? null : { ...token, role: principal.role },
    };
  }
}

/** Trying passwords here is limited as it is at sign-in; switching organizations is not. */
function passwordChanger(request: FastifyRequest): string | null {
  const { current_password } = request.body as z.infer<typeof MeUpdate>;
  return current_password === undefined ? null : signedIn(request).username;
}

async function checkNewPassword(user: UserRow, password: string, current: string | undefined): Promise<void> {
  if (current === undefined) throw invalidField('current_password', 'is missing: it is needed to change the password');
  refuseWeakPassword(password, user);
  if (!(await isPassword(current, user.password))) throw new ApiError('wrong_password');
}

function unknownOrganization(): ApiError {
  return new ApiError('not_found', 'There is no such organization, or you are not a member of it.');
}
