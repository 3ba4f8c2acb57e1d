/** How often passwords may be tried. Counted in this process; what is exceeded is 429 with `Retry-After`. */
import type { FastifyRequest } from 'fastify';
import type { RateLimit } from './context.ts';

/** Far above what people need, far below what guessing needs. */
const defaultSignInLimit: RateLimit = { max: 30, perSeconds: 60 };
const defaultRegisterLimit: RateLimit = { max: 300, perSeconds: 60 };

/** For each address. */
export function byAddress(limit: RateLimit = defaultRegisterLimit) {
  return { max: limit.max, timeWindow: limit.perSeconds * 1000 };
}

/**
 * For each subject (a username) from each address: guessing at one account is slowed down, and nobody can lock its owner
 * out from elsewhere. Counted once the body is read. No subject, nothing to count.
 */
export function bySubject(
  limit: RateLimit = defaultSignInLimit,
  subjectOf: (request: FastifyRequest) => string | null,
) {
  return {
    max: limit.max,
    timeWindow: limit.perSeconds * 1000,
    hook: 'preHandler' as const,
    allowList: (request: FastifyRequest) => subjectOf(request) === null,
    keyGenerator: (request: FastifyRequest) => `${request.ip} ${subjectOf(request)?.toLowerCase()}`,
  };
}
