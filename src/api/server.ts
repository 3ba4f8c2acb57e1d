/** The HTTP server: what every request passes through. The routes themselves are in routes/. */
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { Registry } from 'prom-client';
import { requireAccess } from './auth.ts';
import { PrincipalCache } from './auth-principals.ts';
import type { Api, RouteDeps, ServerDeps } from './context.ts';
import { opensPage, sendPage, serveDashboard } from './dashboard.ts';
import { toApiError } from './error-mapping.ts';
import { ApiError } from './errors.ts';
import { measureRequests } from './metrics.ts';
import { describeApi, serveDocs } from './openapi.ts';
import { limitReceiving } from './receive-limit.ts';
import { logRequests, requestId } from './request-log.ts';
import { routes } from './routes/index.ts';
import { traceRequests } from './trace-requests.ts';
import { unknownRouteHandler } from './unknown-routes.ts';
import { acceptUpgrades } from './upgrades.ts';
import { validatorCompiler } from './validation.ts';

export { redactedPaths } from './request-log.ts';

const bodyLimitBytes = 4 * 1024 * 1024;
/** For the headers, and for a body that is no upload. */
const receiveMs = 30_000;
/** How long requests under way may take once the server closes. */
const closeGraceMs = 5000;

/** A server, ready to `listen` or to be injected into. Closing it ends its streams, and leaves the database open. */
export function createServer(deps: ServerDeps): Api {
  const api: Api = Fastify({
    loggerInstance: deps.logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: requestId,
    bodyLimit: bodyLimitBytes,
    // Uploads take longer (receive-limit.ts); the server's own limit would hold for them, too.
    requestTimeout: 0,
    trustProxy: trustedProxies(deps.config.trustProxy),
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true },
    frameworkErrors: answerError,
  }).withTypeProvider<ZodTypeProvider>();
  const routeDeps: RouteDeps = {
    ...deps,
    registry: deps.registry ?? new Registry(),
    principals: new PrincipalCache(),
    closing: closingSignal(api),
  };

  api.server.headersTimeout = receiveMs;
  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(serializerCompiler);
  api.setErrorHandler(answerError);
  parseJsonOnly(api);
  api.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  limitReceiving(api, receiveMs);
  logRequests(api);
  measureRequests(api, routeDeps.registry);
  traceRequests(api);
  const unknownRoute = unknownRouteHandler(api);
  const { dashboard } = deps;
  api.setNotFoundHandler((request, reply) =>
    dashboard !== undefined && opensPage(request) ? sendPage(request, reply, dashboard) : unknownRoute(request),
  );

  api.register(helmet, securityHeaders(deps.config.secureCookies));
  api.register(cookie);
  api.register(rateLimit, { global: false, errorResponseBuilder: () => new ApiError('too_many_requests') });
  acceptUpgrades(api);
  describeApi(api);
  serveDocs(api);
  if (dashboard !== undefined) serveDashboard(api, dashboard);
  api.register(
    (scope, _options, done) => {
      const v1 = scope as Api;
      requireAccess(v1, routeDeps);
      neverCache(v1);
      v1.setNotFoundHandler(unknownRoute);
      for (const add of routes) add(v1, routeDeps);
      done();
    },
    { prefix: '/api/v1' },
  );
  return api;
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = toApiError(error, request);
  if (known.statusCode === 500) request.log.error({ err: error, route: request.routeOptions.url }, 'a request failed');
  else if (known.statusCode > 500) request.log.warn({ err: error, route: request.routeOptions.url }, known.message);
  reply
    .code(known.statusCode)
    .headers(known.headers)
    .header('x-request-id', request.id)
    .type('application/problem+json')
    .send(known.toProblem(request.id));
}

/** JSON and nothing else. An empty body is no body: many clients announce JSON with every POST. */
function parseJsonOnly(api: Api): void {
  const parseJson = api.getDefaultJsonParser('error', 'error');
  api.removeAllContentTypeParsers();
  api.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else void parseJson(request, body, (error, value) => done(error && new ApiError('malformed_json'), value));
  });
}

function securityHeaders(https: boolean) {
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        imgSrc: ["'self'", 'data:'],
        objectSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // The component libraries of the dashboard and of the API page set styles on elements.
        styleSrc: ["'self'", "'unsafe-inline'"],
      },
    },
    strictTransportSecurity: https,
  };
}

/** Answers belong to whoever asked: no cache keeps them. */
function neverCache(api: Api): void {
  api.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-store');
    done();
  });
}

/** Aborts when the server begins to close. What is still under way after the grace is cut off. */
function closingSignal(api: Api): AbortSignal {
  const closing = new AbortController();
  api.addHook('preClose', (done) => {
    closing.abort();
    setTimeout(() => api.server.closeAllConnections(), closeGraceMs).unref();
    done();
  });
  return closing.signal;
}

function trustedProxies(setting: ServerDeps['config']['trustProxy']): boolean | string | string[] {
  if (setting === undefined) return false;
  return typeof setting === 'boolean' || typeof setting === 'string' ? setting : [...setting];
}
