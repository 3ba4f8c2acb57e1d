/**
 * Who asks, and whether they may. Everything here runs before the body is read, so that who may not do a thing does not
 * learn whether they asked for it in the right form.
 *
 * A route says who it is for in its `config`; one that says nothing is for everybody who is signed in.
 */
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import { isUuid } from '../store/ids.ts';
import { roleIn } from '../store/memberships.ts';
import type { Principal } from '../store/principal.ts';
import { isAtLeast } from '../store/roles.ts';
import type { Actor, Scope } from '../store/scope.ts';
import { hashSecret, sessionPrefix, tokenPrefix } from '../store/secrets/tokens.ts';
import { noteSessionUse, principalOfSession } from '../store/sessions.ts';
import type { Role } from '../store/tables.ts';
import { noteTokenUse, principalOfToken } from '../store/tokens.ts';
import { isCrossSite, sessionCookie } from './auth-cookie.ts';
import type { Api, RouteDeps } from './context.ts';
import { ApiError, type ErrorCode, notFound } from './errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no session. */
    public?: boolean;
    /** Needs an organization, and this role in it or a higher one. */
    role?: Role;
    /** Which organization: the one in use (default), or the one that `:id` of the path names. */
    organization?: 'in_use' | 'path';
    /** Not for API tokens: what changes the account itself. */
    session?: boolean;
    /** Only for the operator of the installation. */
    operator?: boolean;
    /** Further errors of this route, for its documentation. */
    errors?: readonly ErrorCode[];
  }
  interface FastifyRequest {
    principal: Principal | null;
    access: Access | null;
  }
}

/** The organization that a request was let into, and as what. */
export interface Access extends Scope {
  readonly role: Role;
}

/** Adds the check to every route of `api`, and to its unknown ones. */
export function requireAccess(api: Api, deps: RouteDeps): void {
  api.decorateRequest('principal', null);
  api.decorateRequest('access', null);
  api.addHook('onRequest', async (request) => {
    const { config } = request.routeOptions;
    if (config.public === true) return;
    const principal = await authenticate(request, deps);
    request.principal = principal;
    checkAccount(principal, config);
    if (config.role !== undefined) request.access = await checkRole(request, principal, config.role, deps);
  });
}

/** The principal of the secret that the request carries; 401 without one that counts. */
async function authenticate(request: FastifyRequest, deps: RouteDeps): Promise<Principal> {
  const bearer = bearerOf(request);
  const secret = bearer ?? request.cookies[sessionCookie];
  if (secret === undefined) throw new ApiError('unauthenticated');
  if (bearer === undefined && isCrossSite(request)) throw new ApiError('cross_site');
  const principal = await principalOf(secret, deps);
  if (principal === null) {
    throw new ApiError('unauthenticated', 'The session or token is unknown, expired or revoked.');
  }
  return principal;
}

function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return undefined;
  const [scheme, secret] = authorization.split(' ', 2);
  return scheme?.toLowerCase() === 'bearer' && secret !== undefined ? secret : '';
}

function principalOf(secret: string, deps: RouteDeps): Promise<Principal | null> {
  const isToken = secret.startsWith(tokenPrefix);
  if (!isToken && !secret.startsWith(sessionPrefix)) return Promise.resolve(null);
  const hash = hashSecret(secret);
  return deps.principals.get(hash.toString('base64'), () => principalOfUsed(isToken, hash, deps));
}

/** Nobody waits for the note that it was used, and nothing depends on it. */
async function principalOfUsed(isToken: boolean, hash: Buffer, { db, logger }: RouteDeps): Promise<Principal | null> {
  const principal = await (isToken ? principalOfToken(db, hash) : principalOfSession(db, hash));
  if (principal === null) return null;
  const { tokenId, sessionId } = principal;
  const noted = tokenId ? noteTokenUse(db, tokenId) : sessionId ? noteSessionUse(db, sessionId) : Promise.resolve();
  noted.catch((error: unknown) => {
    logger.debug({ err: error }, `could not note the use of a ${isToken ? 'token' : 'session'}`);
  });
  return principal;
}

function checkAccount(principal: Principal, config: FastifyContextConfig): void {
  if (config.operator === true && !principal.operator) throw new ApiError('operator_only');
  if (config.session === true && principal.sessionId === null) throw new ApiError('session_required');
}

async function checkRole(
  request: FastifyRequest,
  principal: Principal,
  needed: Role,
  deps: RouteDeps,
): Promise<Access> {
  const access =
    request.routeOptions.config.organization === 'path'
      ? await accessToPath(request, principal, deps)
      : accessInUse(principal);
  if (!isAtLeast(access.role, needed)) {
    throw new ApiError('role_too_low', `This needs the role ${needed}; yours is ${access.role}.`);
  }
  return access;
}

function accessInUse({ organizationId, role }: Principal): Access {
  if (organizationId === null || role === null) throw new ApiError('no_organization');
  return { organizationId, role };
}

/** A member may name any of their organizations in the path; a token only the one it was made for. */
async function accessToPath(request: FastifyRequest, principal: Principal, deps: RouteDeps): Promise<Access> {
  const { id } = request.params as { id: string };
  const organizationId = id.toLowerCase();
  if (organizationId === principal.organizationId && principal.role !== null) {
    return { organizationId, role: principal.role };
  }
  if (principal.tokenId !== null || !isUuid(organizationId)) throw new ApiError('not_found', noOrganization);
  const role = await roleIn(deps.db, { organizationId }, principal.userId);
  if (role === undefined) throw new ApiError('not_found', noOrganization);
  return { organizationId, role };
}

const noOrganization = 'There is no such organization, or you are not a member of it.';

/** Who is signed in. Only for routes that are not public. */
export function signedIn(request: FastifyRequest): Principal {
  if (request.principal === null) throw new Error(`${request.routeOptions.url} is public: nobody is signed in`);
  return request.principal;
}

/** The organization to read and write in, as a query takes it. Only for routes with a `role`. */
export function scopeOf(request: FastifyRequest): Access {
  if (request.access === null) throw new Error(`${request.routeOptions.url} names no role: there is no scope`);
  return request.access;
}

/** Who asks, for the event of a change. */
export function actorOf(request: FastifyRequest): Actor {
  return { userId: signedIn(request).userId };
}

/** An id from the path, checked for its form: what is no id at all is unknown, like one that never was. */
export function pathId(value: string, what: string): string {
  if (!isUuid(value)) throw notFound(what);
  return value.toLowerCase();
}
