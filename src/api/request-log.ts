import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Api } from './context.ts';

/** For the logger of the process: whatever is logged, these never appear in it. */
export const redactedPaths: readonly string[] = [
  'authorization',
  'cookie',
  'password',
  'current_password',
  'token',
  'code',
  'env',
  '*.authorization',
  '*.cookie',
  '*.password',
  '*.current_password',
  '*.token',
  '*.env',
  'req.headers.authorization',
  'req.headers.cookie',
  'headers["set-cookie"]',
];

const saneId = /^[A-Za-z0-9._:-]{1,128}$/;

/** The id that a client gave its request, if it is one that can go into logs and headers; else a new one. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && saneId.test(given) ? given : randomUUID();
}

/** One line for each request, at debug. The route and not the URL: an invite's code stands in the URL. */
export function logRequests(api: Api): void {
  api.addHook('onResponse', (request, reply, done) => {
    request.log.debug(
      {
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        user_id: request.principal?.userId,
      },
      'request',
    );
    done();
  });
}
