import type { Context, Span } from '@opentelemetry/api';
import { context } from '@opentelemetry/api';
import type { FastifyRequest } from 'fastify';
import { beginRequest, endRequest } from '../tracing/spans.ts';
import type { Api } from './context.ts';

/** A span for each request, by its route: what stands in a URL may be a secret. */
export function traceRequests(api: Api): void {
  const spans = new WeakMap<FastifyRequest, { span: Span; context: Context }>();
  api.addHook('onRequest', (request, _reply, done) => {
    spans.set(request, beginRequest(request.headers, request.method, request.routeOptions.url ?? 'unknown'));
    done();
  });
  // Not before: what comes after the body was read is not a consequence of what was before it, as far as Node knows.
  api.addHook('preValidation', (request, _reply, done) => {
    const begun = spans.get(request);
    if (begun === undefined) done();
    else context.with(begun.context, done);
  });
  api.addHook('onResponse', (request, reply, done) => {
    const begun = spans.get(request);
    if (begun !== undefined) endRequest(begun.span, reply.statusCode);
    done();
  });
}
