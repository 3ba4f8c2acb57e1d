/** The OpenAPI document, from the schemas and the `config` of the routes; browsable at /api/docs. */
import swagger, { type SwaggerTransform } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyContextConfig } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Api } from './context.ts';
import { type ErrorCode, entryOf } from './error-catalogue.ts';
import { tidyComponents } from './openapi-components.ts';
import * as apply from './schemas/apply.ts';
import * as arrays from './schemas/arrays.ts';
import * as bulk from './schemas/bulk.ts';
import * as clusters from './schemas/clusters.ts';
import * as common from './schemas/common.ts';
import * as dependencies from './schemas/dependencies.ts';
import * as deployments from './schemas/deployments.ts';
import * as engines from './schemas/engines.ts';
import * as history from './schemas/history.ts';
import * as identity from './schemas/identity.ts';
import * as maintenance from './schemas/maintenance.ts';
import * as overview from './schemas/overview.ts';
import * as revisions from './schemas/revisions.ts';
import * as schedules from './schemas/schedules.ts';
import * as scheduling from './schemas/scheduling.ts';
import * as secrets from './schemas/secrets.ts';
import * as seeingIn from './schemas/seeing-in.ts';
import * as timeline from './schemas/timeline.ts';
import * as volumes from './schemas/volumes.ts';
import * as webhooks from './schemas/webhooks.ts';

nameSchemas();

/** Every exported schema with a capital letter gets a name in the document, and a type of that name in the SDK. */
function nameSchemas(): void {
  for (const module of [
    common,
    identity,
    clusters,
    engines,
    maintenance,
    deployments,
    bulk,
    overview,
    apply,
    arrays,
    dependencies,
    schedules,
    revisions,
    scheduling,
    history,
    timeline,
    secrets,
    seeingIn,
    volumes,
    webhooks,
  ]) {
    for (const [name, schema] of Object.entries(module)) {
      const isNamed = schema instanceof z.ZodType && /^[A-Z]/.test(name) && !name.endsWith('Query');
      if (isNamed) z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), id: name });
    }
  }
}

const tags = [
  { name: 'Identity', description: 'Accounts, sessions and API tokens.' },
  { name: 'Organizations', description: 'Organizations, their members and invites.' },
  { name: 'Clusters', description: 'Clusters and their nodes.' },
  { name: 'Scheduling', description: 'The queue, and what the scheduler decides.' },
  { name: 'Deployments', description: 'What is submitted, queued and run.' },
  { name: 'Data', description: 'Secrets and volumes.' },
  { name: 'Schedules', description: 'What is submitted again and again.' },
  { name: 'Events', description: 'What happened, as a list and as a stream.' },
  { name: 'Webhooks', description: 'Who is told of what happens over HTTP, and what was sent.' },
  { name: 'Operation', description: 'Health and metrics.' },
];

const transform: SwaggerTransform = (document) => {
  const described = jsonSchemaTransform(document);
  const { config } = document.route;
  if (document.schema?.hide === true) return described;
  const schema = described.schema as { response?: Record<string, unknown>; security?: unknown };
  const errors = errorResponses(document.schema ?? {}, config ?? {}, document.route.method !== 'GET');
  schema.response = { ...withDescriptions(schema.response ?? {}), ...errors };
  if (config?.public === true) schema.security = [];
  return described;
};

const successes: Readonly<Record<string, string>> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted: it goes on after the answer.',
};

function withDescriptions(responses: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      { description: successes[status] ?? 'Done; nothing to say.', ...(response as object) },
    ]),
  );
}

/** The errors that a route can answer with follow from what it is: whom it is for, what it reads, and what it adds. */
function errorResponses(schema: object, config: FastifyContextConfig, changes: boolean): Record<string, unknown> {
  const codes: ErrorCode[] = ['internal_error', 'store_unavailable', ...(config.errors ?? [])];
  if ('body' in schema || 'querystring' in schema) codes.push('validation_failed');
  if ('body' in schema) codes.push('malformed_json', 'body_too_large', 'unsupported_media_type');
  if ('params' in schema) codes.push('not_found');
  if (config.public !== true) codes.push('unauthenticated');
  if (config.public !== true && changes) codes.push('cross_site');
  if (config.role !== undefined) codes.push('role_too_low');
  if (config.role !== undefined && config.organization !== 'path') codes.push('no_organization');
  if (config.session === true) codes.push('session_required');
  if (config.operator === true) codes.push('operator_only');
  if (config.rateLimit !== undefined) codes.push('too_many_requests');
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = entryOf(code);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, same]) => [status, errorResponse(same)]));
}

function errorResponse(codes: readonly ErrorCode[]) {
  return {
    description: codes.map((code) => `\`${code}\`: ${entryOf(code).title}.`).join(' '),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

/** Collects the routes of the plugins that are registered after it. */
export function describeApi(api: Api): void {
  api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Hypervisor',
        version: '1',
        description:
          'Shares clusters of fixed size among organizations. Amounts: `ram` in GB, `cpu` in cores, `gpu` in devices, with up to three decimals. A lower priority number goes first.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This installation' }],
      tags,
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'The token of a session, or an API token.' },
          cookie: { type: 'apiKey', in: 'cookie', name: 'hypervisor_session' },
        },
      },
      security: [{ bearer: [] }, { cookie: [] }],
    },
    transform,
    transformObject: (document) => tidyComponents(jsonSchemaTransformObject(document)),
  });
}

/** The document and its page. Both are open to everybody: they say nothing that the source does not. */
export function serveDocs(api: Api): void {
  api.register(swaggerUi, { routePrefix: '/api/docs', uiConfig: { persistAuthorization: true } });
  api.register((scope, _options, done) => {
    scope.get('/api/openapi.json', { schema: { hide: true } }, () => scope.swagger());
    done();
  });
}
