/**
 * Bad input, over every route that the OpenAPI document names: always a 4xx problem with a code, that names the field where a
 * field is wrong; never a 5xx or a trace of the source; and nothing of it changes the database.
 *
 * Each test walks the whole table and tells of all that went wrong at once. Deployments that wait
 * for each other in a circle are refused in dependencies.test.ts.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  type Client,
  type InviteWithCode,
  newOwner,
  type Problem,
  password,
  submission,
  type TokenWithSecret,
  unique,
  until,
} from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  schema: { type?: string; enum?: unknown[]; minimum?: number };
}
interface Route {
  readonly method: string;
  /** As documented, with its parameters in braces. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly hasBody: boolean;
}
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

let service: TestService;
let owner: Client;
let routes: Route[];
let own: Ids;
let foreign: Ids;
let bodies: Record<string, JsonObject>;
let before: unknown;

beforeAll(async () => {
  // What the table has for clusters is allowed: only what is wrong with a request refuses it.
  service = await startTestService({ config: { hostPaths: ['/srv'] } });
  owner = await newOwner(service.url);
  own = await makeThings(owner);
  foreign = await makeThings(await newOwner(service.url));
  // Nobody answers there: once that is known, nothing more is written of them.
  await until('both engines were looked at', async () => {
    const rows = await service.sql('select 1 from engine where reachable is null');
    return rows.length === 0;
  });
  routes = await documentedRoutes();
  bodies = validBodies(own);
});
afterAll(() => service.stop());

beforeEach(async () => {
  before = await everything();
});
afterEach(async () => {
  expect(await everything(), 'something has changed the database').toEqual(before);
});

test('the table has a good body for every route that takes one', () => {
  expect(routes.length).toBeGreaterThan(30);
  const withBody = routes.filter((route) => route.hasBody).map(nameOf);
  expect(Object.keys(bodies).toSorted()).toEqual(withBody.toSorted());
});

test('what is not JSON is 400', async () => {
  const texts = [
    '{',
    '{"a":',
    'nope',
    '[1,2',
    '{"a":1}}',
    '"',
    'undefined',
    'NaN',
    '\u0000',
    "{'a':1}",
    '{"a":1,}',
    '�',
  ];
  const report = new Report();
  for (const route of routes.filter(({ method }) => method !== 'GET')) {
    for (const text of texts) {
      // Who may not do a thing does not learn whether it was asked for in the right form.
      const status = operators.has(nameOf(route)) ? 403 : takesFiles.has(nameOf(route)) ? 415 : 400;
      report.check(route, JSON.stringify(text), await sendText(route, text), { status: [status] });
    }
  }
  report.end();
});

/** Routes that are for the operator of the installation alone. */
/** They take a tar stream, and JSON of no kind. */
const takesFiles = new Set(['PUT /deployments/{id}/files']);
const operators = new Set(['POST /secret-key/change']);

test('bodies of the wrong kind, poisoned, or nested without end are 400', async () => {
  const deep = 50_000;
  const report = new Report();
  for (const route of routes.filter(({ hasBody }) => hasBody)) {
    const valid = bodies[nameOf(route)]!;
    const texts = ['null', '[]', JSON.stringify([valid]), '"text"', '42', 'true', '', '{}'];
    texts.push(
      `{"__proto__":{"polluted":true},${JSON.stringify(valid).slice(1)}`,
      `{"constructor":{"prototype":{"polluted":true}},${JSON.stringify(valid).slice(1)}`,
      '['.repeat(deep) + ']'.repeat(deep),
      '{"a":'.repeat(deep) + '1' + '}'.repeat(deep),
    );
    for (const text of texts) {
      // An invite or a name may have a default for everything.
      if (text === '{}' && takesNothing.has(nameOf(route))) continue;
      report.check(route, text.slice(0, 40), await sendText(route, text), { status: [400] });
    }
  }
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  report.end();
});

/** Routes whose body may leave everything out. */
const takesNothing = new Set([
  'POST /organizations/{id}/invites',
  'POST /clusters/{id}/nodes/{node_id}/drain',
  'POST /deployments/{id}/rollback',
  'POST /clusters/{id}/policy/preview',
]);

test('an unknown field is 400 and named', async () => {
  const report = new Report();
  for (const route of routes.filter(({ hasBody }) => hasBody)) {
    const body = { ...bodies[nameOf(route)], surprise: 1 };
    report.check(route, 'surprise', await sendText(route, JSON.stringify(body)), {
      status: [400],
      field: 'surprise',
    });
  }
  report.end();
});

test('each field with a value of the wrong type or size is 400 and named', async () => {
  const report = new Report();
  for (const route of routes.filter(({ hasBody }) => hasBody)) {
    const valid = bodies[nameOf(route)]!;
    for (const [path, value] of leavesOf(valid, '')) {
      for (const wrong of wrongValues(value)) {
        const body = JSON.stringify(replaced(valid, path, wrong));
        const label = `${path} = ${JSON.stringify(wrong).slice(0, 40)}`;
        report.check(route, label, await sendText(route, body), { status: [400], field: path });
      }
    }
  }
  report.end();
});

test('control characters, NUL and endless texts in any text are refused', async () => {
  const report = new Report();
  for (const route of routes.filter(({ hasBody }) => hasBody)) {
    const valid = bodies[nameOf(route)]!;
    for (const [path, value] of leavesOf(valid, '')) {
      if (typeof value !== 'string' || isSecret(path)) continue;
      const wrong = [`${value}\u0000`, `${value}${'x'.repeat(100_000)}`];
      if (!isFreeText(path)) wrong.push(`${value}\u0007`, `${value}\n`, `\u001b[31m${value}`);
      for (const text of wrong) {
        const body = JSON.stringify(replaced(valid, path, text));
        const label = `${path} = ${JSON.stringify(text.slice(-20))}`;
        // An id or a name that is none belongs to nobody.
        const expected = isReference(path) ? { status: [400, 401, 404] } : { status: [400], field: path };
        report.check(route, label, await sendText(route, body), expected);
      }
    }
  }
  report.end();
});

test('references to images that can be none are 400', async () => {
  const wrong = [
    '',
    ' ',
    'UPPER',
    'a b',
    'a:',
    ':tag',
    'a:b:c',
    'a@sha256:123',
    '/a',
    'a/',
    'a//b',
    '-a',
    'a;rm -rf /',
    '$(x)',
    'http://a/b',
    '../a',
    'ä',
    'a'.repeat(513),
  ];
  const report = new Report();
  const route = routeNamed('POST /deployments');
  for (const image of wrong) {
    const body = JSON.stringify({ ...bodies['POST /deployments'], docker_image: image });
    report.check(route, image, await sendText(route, body), { status: [400], field: 'docker_image' });
  }
  report.end();
});

test('what is for jobs or for services only is 400 for the others, and says what is there instead', async () => {
  const { retry, ...plain } = bodies['POST /deployments'] as { retry: Json } & JsonObject;
  const wrong: [string, JsonObject][] = [
    ['retry', { ...plain, kind: 'service', retry }],
    ['restart', { ...plain, restart: { policy: 'always' } }],
    ['update', { ...plain, update: { max_unavailable: 2 } }],
    ['restart.policy', { ...plain, kind: 'service', restart: { policy: 'sometimes' } }],
    ['restart.max_restarts', { ...plain, kind: 'service', restart: { max_restarts: -1 } }],
    ['update.max_unavailable', { ...plain, kind: 'service', update: { max_unavailable: 0 } }],
    ['update.min_ready_s', { ...plain, kind: 'service', update: { min_ready_s: 0.5 } }],
    ['update.max_failures', { ...plain, kind: 'service', update: { max_failures: 'none' } }],
    ['retry.limit', { ...plain, retry: { limit: 101 } }],
    ['retry.on.0', { ...plain, retry: { on: ['bad_luck'] } }],
    ['retry.exit_codes.0', { ...plain, retry: { exit_codes: [0] } }],
    ['stop_signal', { ...plain, stop_signal: 'INT' }],
  ];
  const report = new Report();
  const route = routeNamed('POST /deployments');
  for (const [field, body] of wrong) {
    report.check(route, field, await sendText(route, JSON.stringify(body)), { status: [400], field });
  }
  report.end();
});

test('names of variables, labels and ports that can be none are 400', async () => {
  const wrong: [string, Json][] = [
    ['env', { '1A': 'x' }],
    ['env', { 'A B': 'x' }],
    ['env', { '': 'x' }],
    ['env', { 'A=B': 'x' }],
    ['labels', { '': 'x' }],
    ['labels', { 'hypervisor.installation': 'x' }],
    ['labels', { 'a\u0000': 'x' }],
    ['ports', [{ container: 0 }]],
    ['ports', [{ container: 65_536 }]],
    ['ports', [{ container: 80, protocol: 'icmp' }]],
    ['ports', [{}]],
    ['name', '-x'],
    ['name', 'x y'],
    ['name', 'ä'],
    ['gpu_required', 1.5],
    ['replicas', 1001],
    ['max_per_node', 0],
    ['max_per_node', 1.5],
    ['gpu_memory_required', 0.0001],
    ['kind', 'daemon'],
    ['pull_policy', 'sometimes'],
    ['health_check', {}],
    ['health_check', { interval_s: 5 }],
    ['health_check', { tcp: { port: 80 }, command: ['true'] }],
    ['health_check', { tcp: { port: 0 } }],
    ['health_check', { command: [] }],
    ['health_check', { http: { port: 80, path: 'no-slash' } }],
    ['health_check', { http: { port: 80, path: '/with blank' } }],
    ['health_check', { http: { port: 80, path: '/\r\nHost: elsewhere' } }],
    ['health_check', { http: { port: 80, expect_status: 20 } }],
    ['health_check', { http: { port: 80, host: 'elsewhere' } }],
    ['health_check', { tcp: { port: 80 }, interval_s: 0 }],
    ['health_check', { tcp: { port: 80 }, retries: 1.5 }],
  ];
  const report = new Report();
  const route = routeNamed('POST /deployments');
  for (const [field, value] of wrong) {
    const body = JSON.stringify({ ...bodies['POST /deployments'], [field]: value });
    report.check(route, `${field} = ${JSON.stringify(value)}`, await sendText(route, body), {
      status: [400],
      field,
    });
  }
  report.end();
});

test('what a deployment brings along is 400 where it can be none', async () => {
  const file = { path: '/etc/x', content: 'x' };
  const many = (count: number, item: (i: number) => Json) => Array.from({ length: count }, (_, i) => item(i));
  const paths = [
    '',
    'x',
    './x',
    '/',
    '/a/',
    '/a//b',
    '/a/./b',
    '/a/../b',
    '/..',
    '/proc/x',
    '/sys',
    '/dev/shm',
    '/a\u0000',
    '/a\n',
  ];
  const wrong: [string, Json][] = [
    ...paths.flatMap((path): [string, Json][] => [
      ['volumes', [{ name: 'data', path }]],
      ['files', [{ ...file, path }]],
      ['secrets', [{ name: 'db', path }]],
    ]),
    ...['x', '/a/..', '/a/../etc', '/a//b', '/a/', ''].map((host_path): [string, Json] => [
      'volumes',
      [{ host_path, path: '/data' }],
    ]),
    ['volumes', [{ path: '/data' }]],
    ['volumes', [{ name: 'data', host_path: '/srv', path: '/data' }]],
    ['volumes', [{ name: 'a b', path: '/data' }]],
    ['volumes', [{ name: 'data', path: '/data', read_only: 'yes' }]],
    ['volumes', many(33, (i) => ({ name: 'data', path: `/data-${i}` }))],
    [
      'volumes.1.path',
      [
        { name: 'data', path: '/data' },
        { name: 'data', path: '/data' },
      ],
    ],
    ['secrets', [{ name: 'db' }]],
    ['secrets', [{ name: 'db', env: 'DB', path: '/x' }]],
    ['secrets', [{ name: 'db', env: '1DB' }]],
    ['secrets', [{ name: 'db', env: 'DB', mode: '0400' }]],
    [
      'secrets.1.env',
      [
        { name: 'db', env: 'DB' },
        { name: 'dc', env: 'DB' },
      ],
    ],
    ['secrets.0.env', [{ name: 'db', env: 'A' }]],
    ['files', [{ ...file, mode: 644 }]],
    ['files', [{ ...file, mode: '0999' }]],
    ['files', [{ ...file, encoding: 'base64', content: 'no base64!' }]],
    ['files', [{ ...file, content: 'x'.repeat(256 * 1024 + 1) }]],
    ['files', many(5, (i) => ({ path: `/etc/${i}`, content: 'x'.repeat(250 * 1024) }))],
    ['files', many(65, (i) => ({ path: `/etc/${i}`, content: 'x' }))],
    ['files.1.path', [file, { ...file, path: '/etc/x/y' }]],
    ['files.0.path', [{ ...file, path: '/data/x' }]],
    ['network', 'host'],
    ['network', 'none'],
  ];
  const report = new Report();
  const route = routeNamed('POST /deployments');
  for (const [field, value] of wrong) {
    const [name = ''] = field.split('.');
    const body = JSON.stringify({ ...bodies['POST /deployments'], [name]: value });
    const label = `${field} = ${JSON.stringify(value).slice(0, 80)}`;
    report.check(route, label, await sendText(route, body), { status: [400], field });
  }
  report.end();
});

test('what a deployment refers to and is not there is 422 and named', async () => {
  const wrong: [string, Json][] = [
    ['volumes.0.name', [{ name: 'none-such', path: '/data' }]],
    ['secrets.0.name', [{ name: 'none-such', env: 'DB' }]],
    ['secrets.0.name', [{ name: foreign['name']!(routes[0]!), env: 'DB' }]],
    ['volumes.0.host_path', [{ host_path: '/etc', path: '/data', read_only: true }]],
  ];
  const report = new Report();
  for (const [field, value] of wrong) {
    const [name = ''] = field.split('.');
    const anywhere = { ...bodies['POST /deployments'], node_labels: {}, gpu_models: [] };
    const deployment = { ...anywhere, [name]: value };
    const route = routeNamed('POST /deployments');
    report.check(route, field, await sendText(route, JSON.stringify(deployment)), { status: [422], field });
    const batch = routeNamed('POST /deployments/batch');
    const body = JSON.stringify({ deployments: [anywhere, deployment] });
    report.check(batch, field, await sendText(batch, body), { status: [422], field: `deployments.1.${field}` });
  }
  report.end();
});

test('labels of nodes that can be none are 400', async () => {
  const wrong: Json[] = [
    { '': 'a' },
    { 'a b': 'a' },
    { '-zone': 'a' },
    { 'example.com/': 'a' },
    { 'a/b/c': 'a' },
    { ['x'.repeat(129)]: 'a' },
    { zone: 'a b' },
    { zone: 'ä' },
    { zone: '-' },
    { zone: 'x'.repeat(64) },
    { zone: 1 },
    { zone: true },
    { zone: ['a'] },
    Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`label-${i}`, 'x'])),
  ];
  const report = new Report();
  const fields = {
    'POST /clusters/{id}/nodes': 'labels',
    'PATCH /clusters/{id}/nodes/{node_id}': 'labels',
    'POST /deployments': 'node_labels',
  };
  for (const [name, field] of Object.entries(fields)) {
    // To change a node, null takes a label away.
    for (const value of name.startsWith('PATCH') ? wrong : [...wrong, { zone: null }]) {
      const body = JSON.stringify({ ...bodies[name], [field]: value });
      const answer = await sendText(routeNamed(name), body);
      report.check(routeNamed(name), JSON.stringify(value).slice(0, 40), answer, { status: [400], field });
    }
  }
  report.end();
});

test('URLs of webhooks that can be none are 400', async () => {
  const wrong: Json[] = [
    'example.com/hook',
    '/hook',
    'ftp://example.com/hook',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://',
    'https://user:secret@example.com/',
    'https://example.com/#there',
    'http://127.0.0.1/hook',
    'http://0x7f.1/hook',
    'http://2130706433/hook',
    'http://017700000001/hook',
    'http://[::1]/hook',
    'http://[::ffff:10.0.0.1]/hook',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/meta-data/',
    `https://example.com/${'x'.repeat(2048)}`,
  ];
  const report = new Report();
  for (const name of ['POST /webhooks', 'PATCH /webhooks/{id}']) {
    for (const url of wrong) {
      const answer = await sendText(routeNamed(name), JSON.stringify({ url }));
      report.check(routeNamed(name), JSON.stringify(url).slice(0, 60), answer, { status: [400], field: 'url' });
    }
  }
  report.end();
});

test('types of events and clusters that a webhook can not name are 400', async () => {
  const wrong: [string, Json][] = [
    ['event_types', ['deployment']],
    ['event_types', ['*']],
    ['event_types', ['deployment.fails']],
    ['event_types', ['deployments.*']],
    ['event_types', ['deployment.*.x']],
    ['event_types', ['Deployment.failed']],
    ['event_types', Array.from({ length: 51 }, () => 'deployment.failed')],
    ['cluster_ids', ['x']],
    ['cluster_ids', [foreign['cluster']!(routeNamed('POST /webhooks'))]],
  ];
  const report = new Report();
  const route = routeNamed('POST /webhooks');
  for (const [field, value] of wrong) {
    const body = JSON.stringify({ ...bodies['POST /webhooks'], [field]: value });
    report.check(route, `${field} = ${JSON.stringify(value)}`, await sendText(route, body), { status: [400], field });
  }
  report.end();
});

test('a body that is too large is 413', async () => {
  const report = new Report();
  const text = JSON.stringify({ name: 'x'.repeat(5 * 1024 * 1024) });
  for (const route of routes.filter(({ hasBody }) => hasBody)) {
    report.check(route, '5 MiB', await sendText(route, text), { status: [413] });
  }
  report.end();
});

test('a body of another type is 415', async () => {
  const report = new Report();
  for (const route of routes.filter(({ hasBody }) => hasBody)) {
    const text = JSON.stringify(bodies[nameOf(route)]);
    for (const type of [
      'text/plain',
      'application/xml',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'x',
    ]) {
      report.check(route, type, await sendText(route, text, { 'content-type': type }), { status: [415] });
    }
  }
  report.end();
});

test('a method that a route does not take is 405', async () => {
  const report = new Report();
  const paths = [...new Set(routes.map((route) => route.path))];
  for (const path of paths) {
    const taken = new Set(routes.filter((route) => matches(route, path)).map((route) => route.method));
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => !taken.has(one))) {
      const route: Route = { method, path, parameters: [], hasBody: false };
      report.check(route, method, await send(route), { status: [405] });
    }
  }
  for (const path of ['/api/v1/nothing', '/api/v2/clusters', '/api/v1/clusters/x/y/z', '/api/v1//']) {
    const route: Route = { method: 'GET', path, parameters: [], hasBody: false };
    report.check(route, 'unknown', await send(route), { status: [404] });
  }
  report.end();
});

test('ids that are none, were never given out, or are of another organization are 404', async () => {
  const wrong = [
    'x',
    '0',
    '-1',
    'null',
    "1' or '1'='1",
    'a'.repeat(90),
    '00000000-0000-4000-8000-000000000000',
    '%00',
    '%0a',
    '%F0%9F%92%A3',
    '__proto__',
  ];
  const report = new Report();
  for (const route of routes) {
    for (const parameter of route.parameters.filter((one) => one.in === 'path')) {
      const ids = own[parameter.name]!;
      for (const bad of [...wrong, foreign[parameter.name]!(route)]) {
        const url = urlOf(route, { [parameter.name]: bad });
        const answer = await sendText(route, bodyText(route), {}, url);
        report.check(route, `${parameter.name} = ${bad.slice(0, 40)}`, answer, { status: [400, 404] });
      }
      expect(ids(route)).not.toBe('');
      // Not even readable as a URL.
      for (const broken of ['%', '%ff', '%c0%ae', 'a'.repeat(20_000)]) {
        const answer = await sendText(route, bodyText(route), {}, urlOf(route, { [parameter.name]: broken }));
        report.check(route, broken.slice(0, 10), answer, { status: [400, 404, 414, 431] });
      }
    }
  }
  const submit = routeNamed('POST /deployments');
  for (const bad of [...wrong, foreign['cluster']!(submit)]) {
    const body = JSON.stringify({ ...bodies['POST /deployments'], cluster_id: decodeURIComponent(bad) });
    report.check(submit, `cluster_id = ${bad}`, await sendText(submit, body), { status: [400, 404] });
  }
  report.end();
});

test('parameters of the query that are unknown or wrong are 400 and named', async () => {
  const report = new Report();
  for (const route of routes) {
    const parameters = route.parameters.filter((one) => one.in === 'query');
    if (parameters.length === 0) continue;
    const attempts: [string, string][] = [['surprise', 'surprise=1']];
    for (const { name, schema } of parameters) {
      for (const value of wrongQueryValues(name, schema)) attempts.push([name, `${name}=${value}`]);
      if (name !== 'follow') attempts.push([name, `${name}=1&${name}=2`]);
    }
    for (const [field, query] of attempts) {
      const answer = await sendText(route, bodyText(route), {}, `${urlOf(route)}?${query}`);
      report.check(route, query, answer, { status: [400], field });
    }
  }
  report.end();
});

test('filters and cursors with strange texts never break a list', async () => {
  const strange = ['%00', '%0a', "'%20or%201=1%20--", '%F0%9F%92%A3', '__proto__', 'a'.repeat(500), '%ff'];
  const report = new Report();
  for (const route of routes.filter((one) => one.method === 'GET' && !one.path.endsWith('/stream'))) {
    for (const { name } of route.parameters.filter((one) => one.in === 'query')) {
      for (const value of strange) {
        const answer = await send(route, {}, `${urlOf(route)}?${name}=${value}`);
        // An id that is none is nobody's: an empty list will do.
        if (answer.status === 200 && !['cursor', 'limit'].includes(name)) continue;
        report.check(route, `${name}=${value}`, answer, { status: [400, 404] });
      }
    }
  }
  report.end();
});

test('headers that are wrong are 400', async () => {
  const report = new Report();
  const patch = routeNamed('PATCH /deployments/{id}');
  for (const version of ['nonsense', '"x"', '"-1"', '"1e308"', 'W/"1', '"1", "2"', '1']) {
    const answer = await sendText(patch, bodyText(patch), { 'if-match': version });
    report.check(patch, `if-match: ${version}`, answer, { status: [400, 412], field: undefined });
  }
  const submit = routeNamed('POST /deployments');
  for (const key of ['x'.repeat(10_000), ' ', 'a\tb']) {
    const answer = await sendText(submit, bodyText(submit), { 'idempotency-key': key });
    report.check(submit, `idempotency-key: ${key.slice(0, 20)}`, answer, { status: [400, 431] });
  }
  const stream = routeNamed('GET /events/stream');
  for (const last of ['nonsense', '-1', '1e308', '1'.repeat(400)]) {
    const answer = await send(stream, { 'last-event-id': last });
    report.check(stream, `last-event-id: ${last.slice(0, 20)}`, answer, { status: [400] });
  }
  report.end();
});

// What is sent.

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Whether a path is one of the route's: `/deployments/batch` is also an id to `/deployments/{id}`. */
function matches(route: Route, path: string): boolean {
  return new RegExp(`^${route.path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path);
}

const nameOf = (route: Route) => `${route.method} ${route.path.replace(/^\/api\/v1/, '')}`;

function routeNamed(name: string): Route {
  const route = routes.find((one) => nameOf(one) === name);
  if (route === undefined) throw new Error(`the document has no ${name}`);
  return route;
}

function urlOf(route: Route, given: Readonly<Record<string, string>> = {}): string {
  return route.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => given[name] ?? own[name]?.(route) ?? 'x');
}

function bodyText(route: Route): string | undefined {
  const body = bodies[nameOf(route)];
  return body === undefined ? undefined : JSON.stringify(body);
}

function send(route: Route, headers: Record<string, string> = {}, url = urlOf(route)): Promise<Answer> {
  return sendText(route, undefined, headers, url);
}

async function sendText(
  route: Route,
  text: string | undefined,
  headers: Record<string, string> = {},
  url = urlOf(route),
): Promise<Answer> {
  const response = await owner.fetch(url, {
    method: route.method,
    headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(text === undefined ? {} : { body: text }),
  });
  const type = response.headers.get('content-type') ?? '';
  // A stream that should have been refused has no end.
  if (response.ok) {
    await response.body?.cancel();
    return { status: response.status, type, text: '' };
  }
  return { status: response.status, type, text: await response.text() };
}

/** Collects what is not as it should be, so that one run tells of all of it. */
class Report {
  readonly #complaints: string[] = [];
  #checked = 0;

  check(route: Route, label: string, answer: Answer, expected: { status: number[]; field?: string | undefined }): void {
    this.#checked += 1;
    const complaint = complaintOf(answer, expected);
    if (complaint !== null) this.#complaints.push(`${nameOf(route)} with ${label}: ${complaint}`);
  }

  end(): void {
    expect(this.#complaints).toEqual([]);
    expect(this.#checked).toBeGreaterThan(0);
  }
}

function complaintOf(answer: Answer, expected: { status: number[]; field?: string | undefined }): string | null {
  const said = `${answer.status} ${answer.text.slice(0, 300)}`;
  if (!expected.status.includes(answer.status)) return `not ${expected.status.join(' or ')} but ${said}`;
  // The server of Node itself refuses headers and request lines that are too long, before there is a request.
  if (answer.status === 431 || answer.status === 414) return null;
  if (!answer.type.startsWith('application/problem+json')) return `it is ${answer.type}: ${said}`;
  if (/\n\s+at |node_modules|\.ts:|\.js:|\/src\/|select .* from|violates/i.test(answer.text))
    return `it shows the source: ${said}`;
  const problem = JSON.parse(answer.text) as Problem;
  if (problem.status !== answer.status || !/^[a-z_]+$/.test(problem.code) || problem.detail === '') return said;
  if (problem.request_id === '') return `it has no request id: ${said}`;
  const { field } = expected;
  if (field === undefined) return null;
  const named = (problem.errors ?? []).map((error) => error.field);
  const found = named.some((one) => one === field || field.startsWith(`${one}.`) || one.startsWith(`${field}.`));
  return found ? null : `it does not name ${field}: ${said}`;
}

// The table.

type Ids = Readonly<Record<string, (route: Route) => string>>;

/** One of each thing that there is, and which of their ids a parameter of a path stands for. */
async function makeThings(client: Client): Promise<Ids> {
  const organizationId = await client.organizationId();
  const userId = (await client.me()).user.id;
  const cluster = await client.createCluster();
  const [node] = await client.nodes(cluster.id);
  const running = await client.submit(cluster.id);
  await client.became(running.id, 'running');
  // Queued: most verbs would do something to it.
  await client.setSchedulable(cluster.id, false);
  const deployment = await client.submit(cluster.id);
  const array = (await client.submit(cluster.id, { kind: 'job', count: 2 })).array!;
  const schedule = await client.call<{ id: string }>('POST', '/schedules', {
    name: 'nightly',
    cron: '0 0 1 1 *',
    deployment: submission(cluster.id, { kind: 'job' }),
  });
  const invitation = await client.call<InviteWithCode>('POST', `/organizations/${organizationId}/invites`, {});
  const token = await client.call<TokenWithSecret>('POST', `/organizations/${organizationId}/tokens`, { name: 'ci' });
  const credential = await client.call<{ id: string }>('POST', '/registry-credentials', {
    server: 'registry.example.com',
    username: 'u',
    password: 'p',
  });
  const secret = unique('secret');
  await client.call('POST', '/secrets', { name: secret, value: 'v' });
  const volume = await client.call<{ id: string }>('POST', '/volumes', { cluster_id: cluster.id, name: 'data' });
  // Disabled, nothing is sent to it by itself; what it is told at the user's request is over before the tests begin.
  const hook = { url: 'http://localhost:9/hook', enabled: false };
  const webhook = await client.call<{ id: string }>('POST', '/webhooks', hook);
  const delivery = await client.call<{ id: string }>('POST', `/webhooks/${webhook.id}/test`);
  await until('the test is over', async () => {
    const { status } = await client.get<{ status: string }>(`/webhooks/${webhook.id}/deliveries/${delivery.id}`);
    return status === 'failed';
  });
  const window = await client.call<{ id: string }>('POST', `/clusters/${cluster.id}/maintenance`, {
    starts_at: '2100-01-01T00:00:00Z',
    ends_at: '2100-01-02T00:00:00Z',
  });
  // One that was added by request would have to answer.
  const engineId = randomUUID();
  await service.sql('insert into engine (id, organization_id, name, address) values ($1, $2, $3, $4)', [
    engineId,
    organizationId,
    'other',
    'unix:///nowhere.sock',
  ]);
  const [pass] = await client.all<{ id: string }>(`/clusters/${cluster.id}/passes`);
  const { items: sessions } = await client.get<{ items: { id: string }[] }>('/me/sessions');
  const [session] = sessions;
  const subjects: [RegExp, string][] = [
    [/\/engines\/\{/, engineId],
    [/\/organizations\/\{/, organizationId],
    [/\/clusters\/\{/, cluster.id],
    [/\/deployments\/\{/, deployment.id],
    [/\/arrays\/\{/, array.id],
    [/\/schedules\/\{/, schedule.id],
    [/\/registry-credentials\/\{/, credential.id],
    [/\/volumes\/\{/, volume.id],
    [/\/webhooks\/\{/, webhook.id],
    [/\/passes\/\{/, pass!.id],
    [/\/me\/sessions\/\{/, session!.id],
  ];
  return {
    id: (route) => subjects.find(([pattern]) => pattern.test(route.path))?.[1] ?? '',
    name: () => secret,
    cluster: () => cluster.id,
    deployment: () => deployment.id,
    organization: () => organizationId,
    user_id: () => userId,
    node_id: () => node!.id,
    invite_id: () => invitation.id,
    token_id: () => token.id,
    delivery_id: () => delivery.id,
    maintenance_id: () => window.id,
    // Whoever holds a code may use it, wherever it is from: a used one stands for somebody else's.
    code: () => 'a-code-of-nobody',
  };
}

const pemOf = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;

function validBodies(ids: Ids): Record<string, JsonObject> {
  const route: Route = { method: 'GET', path: '', parameters: [], hasBody: false };
  const clusterId = ids['cluster']!(route);
  const name = unique('bad-input');
  const person = { username: unique('new'), email: `${unique('new')}@example.com` };
  const deployment = submission(clusterId, {
    name,
    kind: 'job',
    command: ['sh', '-c', 'true'],
    env: { A: 'b' },
    ports: [{ container: 80, host: 8080, protocol: 'tcp' }],
    labels: { team: 'x' },
    pull_policy: 'missing',
    gpu_required: 0,
    gpu_models: ['a100'],
    gpu_memory_required: 0,
    node_labels: { zone: 'a' },
    max_per_node: 2,
    replicas: 1,
    priority: 50,
    time_limit_s: 60,
    stop_grace_s: 10,
    health_check: { http: { port: 80, path: '/ready', expect_status: 204 }, interval_s: 10, retries: 3 },
    volumes: [{ name: 'data', path: '/data', read_only: true }],
    secrets: [{ name: ids['name']!(route), path: '/run/secrets/db', mode: '0400' }],
    files: [{ path: '/etc/app.conf', content: 'colour: blue', encoding: 'utf8', mode: '0644' }],
    network: 'shared',
    keep_for_s: 60,
    count: 2,
    array_parallel: 1,
    depends_on: [{ deployment: ids['deployment']!(route), condition: 'any' }],
    stop_signal: 'SIGINT',
    retry: { limit: 3, on: ['exit_nonzero'], exit_codes: [75] },
  }) as JsonObject;
  const allowed_host_paths = [{ path: '/srv/data', read_only: true }];
  const schedule = {
    cron: '30 2 * * 1-5',
    time_zone: 'Europe/Berlin',
    overlap: 'forbid',
    missed: 'run_all',
    missed_max: 3,
  };
  // Arrays and what waits for others can be submitted, not applied.
  const { count: _, array_parallel: __, depends_on: ___, ...alone } = deployment;
  const declared = { deployments: [alone], file_set: 'team', replace: false, rerun: false, prune: false };
  const gpu = { model: 'a100', memory_gb: 40, driver: 'none' };
  const policy = {
    aging_interval_s: 60,
    reservation_after_s: 60,
    backfill: 'learned',
    retention_s: 86_400,
    preemption: { enabled: true, min_run_time_s: 60 },
  };
  const webhook = {
    url: 'https://example.com/hook',
    description: 'for the team',
    event_types: ['deployment.*'],
    cluster_ids: [clusterId],
    enabled: true,
  };
  return {
    'POST /schedules': { ...schedule, name: unique('schedule'), deployment },
    'PATCH /schedules/{id}': { ...schedule, name: unique('schedule'), deployment },
    'POST /auth/register': { ...person, password: 'a long and winding password' },
    // A wrong password: nobody is signed in by accident.
    'POST /auth/sign-in': { username: unique('nobody'), password: 'not a password of anybody' },
    'PATCH /me': {
      organization_id: foreign['organization']!(route),
      password: 'another long one 1',
      current_password: password,
    },
    'POST /organizations': { name },
    'PATCH /organizations/{id}': { name },
    'PATCH /organizations/{id}/members/{user_id}': { role: 'admin' },
    'POST /organizations/{id}/invites': { role: 'viewer', expires_in_s: 60, max_uses: 1 },
    'POST /organizations/{id}/tokens': { name, role: 'viewer', expires_in_s: 60 },
    'POST /registry-credentials': { server: 'other.example.com', username: 'u', password: 'p' },
    'PUT /registry-credentials/{id}': { username: 'u', password: 'p' },
    'POST /secrets': { name, value: 'v', encoding: 'utf8' },
    'PUT /secrets/{name}': { value: 'v', encoding: 'utf8' },
    'POST /volumes': { cluster_id: clusterId, name },
    'POST /clusters': { name, ram: 8, cpu: 4, gpu: 1, runtime: 'simulated', policy, allowed_host_paths },
    'PATCH /clusters/{id}': { name, policy, allowed_host_paths },
    'POST /clusters/{id}/policy/preview': policy,
    'POST /engines': {
      name,
      address: 'tcp://engine.example.com:2376',
      tls: { ca: pemOf('CERTIFICATE'), cert: pemOf('CERTIFICATE'), key: pemOf('PRIVATE KEY') },
    },
    'PATCH /engines/{id}': { name },
    'POST /clusters/{id}/maintenance': {
      node_id: ids['node_id']!(route),
      starts_at: '2100-02-01T00:00:00Z',
      ends_at: '2100-02-02T00:00:00Z',
      reason: 'new disks',
    },
    'POST /clusters/{id}/nodes/{node_id}/drain': { deadline_s: 60, jobs: 'finish', services: 'move' },
    'POST /webhooks': webhook,
    'PATCH /webhooks/{id}': webhook,
    'POST /clusters/{id}/nodes': { name, ram: 8, cpu: 4, gpus: [gpu], labels: { zone: 'a' } },
    'PATCH /clusters/{id}/nodes/{node_id}': { schedulable: true, labels: { zone: 'a' } },
    'POST /deployments': deployment,
    'POST /deployments/batch': { deployments: [deployment] },
    'POST /deployments/bulk': { ids: [ids['deployment']!(route)], action: 'set_priority', priority: 3 },
    'POST /deployments/plan': { ...declared, as: 'apply' },
    'POST /deployments/diff': declared,
    'POST /deployments/apply': declared,
    'PATCH /deployments/{id}': { priority: 3 },
    'POST /deployments/{id}/update': {
      docker_image: 'app:2',
      command: ['sh', '-c', 'true'],
      env: { A: 'b' },
      env_set: { C: 'd' },
      env_unset: ['E'],
      ram_required: 2,
      cpu_required: 2,
      gpu_required: 0,
      replicas: 2,
    },
    'POST /deployments/{id}/rollback': { revision: 1 },
  };
}

async function documentedRoutes(): Promise<Route[]> {
  const response = await fetch(`${service.url}/api/openapi.json`);
  type Operation = { parameters?: Parameter[]; requestBody?: unknown };
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, Operation>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters ?? [],
      hasBody: operation.requestBody !== undefined,
    })),
  );
}

/** Every value in a body that could be wrong, by its dotted path: members and what holds them. */
function leavesOf(value: Json, path: string): [string, Json][] {
  const here: [string, Json][] = path === '' ? [] : [[path, value]];
  if (typeof value !== 'object' || value === null) return here;
  const below = Object.entries(value).flatMap(([key, child]) => leavesOf(child, path === '' ? key : `${path}.${key}`));
  return [...here, ...below];
}

function replaced(body: JsonObject, path: string, value: Json): Json {
  const copy = structuredClone(body);
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<Json>((at, key) => (at as JsonObject)[key]!, copy);
  (parent as JsonObject)[last] = value;
  return copy;
}

function wrongValues(value: Json): Json[] {
  switch (typeof value) {
    case 'string':
      return [42, true, {}, ['x'], { toString: 'x' }];
    case 'number':
      return ['NaN', 'Infinity', '1', '', true, {}, [], [1], -1, 0.0001, 1e308, -1e308, 1e21];
    case 'boolean':
      return ['true', 'yes', 1, 0, {}, [], null];
    default:
      return Array.isArray(value) ? ['x', 7, true, { length: 1 }] : ['x', 7, true, [], [{}]];
  }
}

/** What may hold anything: passwords, secrets, files. */
const isSecret = (path: string) => /(^|\.)((current_)?password|value|content)$/.test(path);
const isFreeText = (path: string) => /(^|\.)(command\.\d+|env(_set)?\.\w+|labels\.\w+|invite|tls\.\w+)$/.test(path);
const isReference = (path: string) => /(^|\.)(cluster_id|node_id|organization_id|username)$/.test(path);

function wrongQueryValues(name: string, { type, enum: values }: Parameter['schema']): string[] {
  // Left empty, these two are 0.
  if (name === 'tail' || name === 'replica') return ['x', 'NaN', '-1', '0.5', '1e308', '%00'];
  if (name === 'cursor') {
    const encoded = ['[]', '{}', 'null', '[1]', '["x","y"]', '{"__proto__":1}', '[1e308,"x"]', '"x"', '['.repeat(300)];
    return ['x', '%20', '....', ...encoded.map((text) => Buffer.from(text).toString('base64url'))];
  }
  if (values !== undefined) return ['nonsense', '', 'QUEUED'];
  if (type === 'integer' || type === 'number') return ['x', '', 'NaN', '-1', '0.5', '1e308', '%00'];
  if (type === 'boolean' || /^(force|dryRun|follow)$/.test(name)) return ['perhaps', '2', '%00'];
  if (name === 'status') return ['nonsense', 'queued,nonsense', ',', '%00'];
  if (name === 'since') return ['yesterday', '2026-13-45T00:00:00Z', '1e308', '%00'];
  return [];
}

const tables = [
  'organization',
  '"user"',
  'membership',
  'invite',
  'session',
  'api_token',
  'registry_credential',
  'secret',
  'volume',
  'cluster',
  'node',
  'gpu_device',
  'deployment',
  'replica',
  'revision',
  'allocation',
  'claim',
  'event',
  'pass',
  'idempotency_key',
  'webhook',
  'webhook_delivery',
  'engine',
  'maintenance_window',
];

/** A fingerprint of all that the service knows, but for when somebody was last there: that changes with every request, in time. */
async function everything(): Promise<unknown> {
  const columns = tables.map(
    (table) =>
      `(select count(*) || ' ' || md5(coalesce(string_agg((to_jsonb(t) - 'last_used_at')::text, ',' order by (to_jsonb(t) - 'last_used_at')::text), '')) from ${table} t) as ${table}`,
  );
  return (await service.sql(`select ${columns.join(', ')}`))[0];
}
