import type { IncomingMessage } from 'node:http';
import type { Api } from './context.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body may take as long as it takes: the route itself looks that it comes. */
    longBody?: boolean;
  }
}

/**
 * A body comes within so many milliseconds, or its connection is cut: who sends a byte now and then must not hold it for ever. The
 * server's own limit would hold for every route.
 */
export function limitReceiving(api: Api, ms: number): void {
  api.addHook('onRequest', (request, _reply, done) => {
    if (hasBody(request.raw) && request.routeOptions.config.longBody !== true) cutAfter(request.raw, ms);
    done();
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function cutAfter(request: IncomingMessage, ms: number): void {
  const timer = setTimeout(() => request.destroy(), ms).unref();
  const settle = () => clearTimeout(timer);
  request.once('end', settle);
  request.once('close', settle);
}
