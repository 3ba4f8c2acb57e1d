import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverWithoutDatabase } from './testing-server.ts';

/** What a server says whose database does not answer: all that needs none, and that the rest is 503 and not 500. */
const { api, log } = serverWithoutDatabase('trace');

beforeAll(async () => {
  await api.ready();
});
afterAll(() => api.close());

const json = { 'content-type': 'application/json' };

interface Operation {
  readonly operationId?: string;
  readonly security?: unknown[];
  readonly responses: Record<string, unknown>;
}

function operations() {
  const { paths } = api.swagger() as unknown as { paths: Record<string, Record<string, Operation>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

const signIn = (payload: string | Buffer, headers: Record<string, string> = json) =>
  api.inject({ method: 'POST', url: '/api/v1/auth/sign-in', payload, headers });

describe('without a session', () => {
  it('every route but those that need none is 401, whatever is sent along (conformance 3)', async () => {
    const open = new Set(['register', 'signIn', 'getHealth', 'getReadiness']);
    for (const { path, method, operation } of operations()) {
      const response = await api.inject({
        method: method as 'GET',
        url: path.replaceAll(/\{\w+\}/g, 'x'),
        headers: method === 'GET' ? {} : json,
        ...(method !== 'GET' && { payload: '{"not":' }),
      });
      if (open.has(operation.operationId ?? '')) expect(response.statusCode).not.toBe(401);
      else expect(`${method} ${path} ${response.statusCode}`).toBe(`${method} ${path} 401`);
    }
  });

  it('is told how to get one', async () => {
    const response = await api.inject({ url: '/api/v1/me' });
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(response.json()).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  it.each(['Bearer', 'Bearer ', 'Basic YTpi', 'Bearer nonsense', 'Bearer hvx_abc', 'hvs_abc'])(
    'the header %s is none',
    async (authorization) => {
      expect((await api.inject({ url: '/api/v1/me', headers: { authorization } })).statusCode).toBe(401);
    },
  );
});

describe('what is malformed', () => {
  it.each([
    ['{"username":', 400, 'malformed_json'],
    ['nonsense', 400, 'malformed_json'],
    ['{"__proto__":{"a":1}}', 400, 'malformed_json'],
    ['{"constructor":{"prototype":{"a":1}}}', 400, 'malformed_json'],
    ['', 400, 'validation_failed'],
    ['[]', 400, 'validation_failed'],
    ['null', 400, 'validation_failed'],
    ['{}', 400, 'validation_failed'],
    [`{"username":"a","password":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400, 'validation_failed'],
    [`"${'a'.repeat(5_000_000)}"`, 413, 'body_too_large'],
  ] as const)('%#: is $1 $2', async (payload, status, code) => {
    const response = await signIn(payload);
    expect(response.json()).toMatchObject({ status, code });
    expect(response.statusCode).toBe(status);
    expect(response.body).not.toContain('node_modules');
  });

  it('is refused where it is not JSON', async () => {
    expect((await signIn('username=a', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(415);
    expect((await signIn('{}', { 'content-type': 'text/plain' })).statusCode).toBe(415);
  });

  it('is refused where the URL is', async () => {
    expect((await api.inject({ url: '/api/v1/%zz' })).statusCode).toBe(400);
  });
});

describe('routes that are not there', () => {
  it('are 404, and 405 where another method would do', async () => {
    expect((await api.inject({ url: '/nothing' })).json()).toMatchObject({ code: 'unknown_route', status: 404 });
    const response = await api.inject({ method: 'DELETE', url: '/api/openapi.json' });
    expect(response.json()).toMatchObject({ code: 'method_not_allowed', status: 405 });
    expect(response.headers.allow).toBe('GET, HEAD');
  });
});

describe('without a database', () => {
  it('it lives, and is not ready', async () => {
    expect((await api.inject({ url: '/api/v1/health' })).json()).toEqual({ status: 'ok' });
    expect((await api.inject({ url: '/api/v1/ready' })).statusCode).toBe(503);
  });

  it('it says so, and when to try again', async () => {
    const response = await api.inject({ url: '/api/v1/me', headers: { authorization: 'Bearer hvs_x' } });
    expect(response.json()).toMatchObject({ status: 503, code: 'store_unavailable' });
    expect(response.headers['retry-after']).toBe('2');
  });
});

describe('every answer', () => {
  it('has a request id: the one that was sent, if it can be written down', async () => {
    const idFor = async (id: string) =>
      (await api.inject({ url: '/api/v1/health', headers: { 'x-request-id': id } })).headers['x-request-id'];
    expect(await idFor('abc-1')).toBe('abc-1');
    expect(await idFor('a b')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await idFor('a'.repeat(129))).toMatch(/^[0-9a-f-]{36}$/);
    const problem = await api.inject({ url: '/api/v1/me', headers: { 'x-request-id': 'abc-2' } });
    expect(problem.json()).toMatchObject({ request_id: 'abc-2' });
  });

  it('tells browsers to be careful with it', async () => {
    const { headers } = await api.inject({ url: '/api/v1/health' });
    expect(headers['content-security-policy']).toContain("script-src 'self'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['strict-transport-security']).toBeUndefined();
  });
});

const attempt = (username: string) => JSON.stringify({ username, password: 'x' });

describe('attempts to sign in', () => {
  it('are limited for each name, and say when to go on', async () => {
    for (let n = 0; n < 3; n += 1) expect((await signIn(attempt('mallory'))).statusCode).toBe(503);
    const refused = await signIn(attempt('Mallory'));
    expect(refused.json()).toMatchObject({ status: 429, code: 'too_many_requests' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await signIn(attempt('alice'))).statusCode).toBe(503);
  });
});

describe('the log', () => {
  it('holds no secrets', async () => {
    await api.inject({ url: '/api/v1/me', headers: { authorization: 'Bearer hvs_SECRET', cookie: 'a=SECRET' } });
    await api.inject({ method: 'POST', url: '/api/v1/invites/hvi_SECRET/accept' });
    await api.inject({ method: 'POST', url: '/api/v1/auth/sign-in', payload: { username: 'a', password: 'SECRET' } });
    expect(log.length).toBeGreaterThan(3);
    expect(log.join('')).not.toContain('SECRET');
  });
});

describe('the document', () => {
  it('is OpenAPI 3.1, where every operation has a name, and its errors', () => {
    const names = operations().map(({ operation }) => operation.operationId ?? '');
    expect(names).not.toContain('');
    expect(new Set(names).size).toBe(names.length);
    for (const { path, operation } of operations()) {
      expect(operation.responses, path).toHaveProperty('503');
      if (operation.security?.length !== 0) expect(operation.responses, path).toHaveProperty('401');
    }
  });

  it('names its schemas as the source does', () => {
    const { components } = api.swagger() as unknown as { components: { schemas: Record<string, unknown> } };
    const names = Object.keys(components.schemas);
    expect(names).toEqual(expect.arrayContaining(['Problem', 'Session', 'Organization', 'OrganizationCreate', 'Role']));
    expect(names.filter((name) => name.endsWith('Input'))).toEqual([]);
  });

  it('refers only to what is there', () => {
    const document = api.swagger() as unknown as { components: { schemas: Record<string, unknown> } };
    const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    expect(references.length).toBeGreaterThan(20);
    for (const name of new Set(references)) expect(document.components.schemas).toHaveProperty(name ?? '');
  });

  it('is open to everybody, with its page', async () => {
    expect((await api.inject({ url: '/api/openapi.json' })).json()).toMatchObject({ openapi: '3.1.0' });
    const page = await api.inject({ url: '/api/docs' });
    expect([200, 302]).toContain(page.statusCode);
    expect((await api.inject({ url: '/api/docs/static/swagger-ui-bundle.js' })).statusCode).toBe(200);
  });
});
