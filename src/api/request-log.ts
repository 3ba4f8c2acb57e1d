import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { isUuid } from '../store/ids.ts';
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

/** What a route is about, as the log calls it everywhere (docs/metrics.md). */
const subjects = [
  { prefix: '/api/v1/deployments/:id', name: 'deployment' },
  { prefix: '/api/v1/clusters/:id', name: 'cluster' },
] as const;

function subjectOf({ routeOptions, params }: FastifyRequest): Record<string, string> | null {
  const subject = subjects.find(({ prefix }) => routeOptions.url?.startsWith(prefix));
  const { id } = params as { id?: string };
  return subject === undefined || id === undefined || !isUuid(id) ? null : { [subject.name]: id.toLowerCase() };
}

/**
 * One line for each request, at debug. The route and not the URL: an invite's code stands in the URL. That line and any other about the
 * request name the deployment or the cluster that it is about.
 */
export function logRequests(api: Api): void {
  api.addHook('onRequest', (request, _reply, done) => {
    const subject = subjectOf(request);
    if (subject !== null) request.log = request.log.child(subject);
    done();
  });
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
