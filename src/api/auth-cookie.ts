import type { FastifyReply, FastifyRequest } from 'fastify';

export const sessionCookie = 'hypervisor_session';

/** Scripts cannot read it, and other sites cannot have it sent along with a change. */
function attributes(secure: boolean) {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
}

export function setSessionCookie(reply: FastifyReply, token: string, expires: Date, secure: boolean): void {
  reply.setCookie(sessionCookie, token, { ...attributes(secure), expires });
}

export function clearSessionCookie(reply: FastifyReply, secure: boolean): void {
  reply.clearCookie(sessionCookie, attributes(secure));
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a browser sends this on behalf of another site. A browser says so itself: by `Sec-Fetch-Site`, or by an `Origin`
 * that is not the host. A client that sends neither is no browser, and nobody can make it send a cookie.
 */
export function isCrossSite(request: FastifyRequest): boolean {
  // A WebSocket begins as a GET, and any site may open one: only by the origin can it be told.
  const upgrades = request.headers.upgrade !== undefined;
  if (safeMethods.has(request.method) && !upgrades) return false;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = request.headers;
  if (origin === undefined) return false;
  return hostOf(origin) !== request.host;
}

/** "null", which sandboxed pages send, has none. */
function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}
