import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';
import {
  ascending,
  Client,
  type Event,
  type InviteWithCode,
  invite,
  type Member,
  newMember,
  newOwner,
  type Organization,
  type Page,
  type Problem,
  password,
  register,
  type Session,
  type TokenWithSecret,
  unique,
  until,
} from './client.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const openRoutes = new Set([
  'POST /api/v1/auth/register',
  'POST /api/v1/auth/sign-in',
  'GET /api/v1/health',
  'GET /api/v1/ready',
]);

test('1. right credentials sign in; a wrong password or unknown user gets the same 401 in about the same time', async () => {
  const person = await register(service.url);
  const { user } = await person.me();
  const anybody = new Client(service.url);
  for (const username of [user.username, user.email]) {
    const session = await anybody.call<Session>('POST', '/auth/sign-in', { username, password });
    expect((await new Client(service.url, session.token).me()).user.id).toBe(user.id);
  }

  const wrong = { username: user.username, password: 'not the right password' };
  const unknown = { username: unique('nobody'), password: 'not the right password' };
  const problems = [
    await anybody.refused(401, 'POST', '/auth/sign-in', wrong),
    await anybody.refused(401, 'POST', '/auth/sign-in', unknown),
  ];
  expect(withoutId(problems[0]!)).toEqual(withoutId(problems[1]!));

  // In turns, and the least of each: what else the machine does only ever adds. Without a hash the unknown one would answer many times faster.
  const times: Record<'wrong' | 'unknown', number[]> = { wrong: [], unknown: [] };
  for (let round = 0; round < 7; round += 1) {
    times.wrong.push(await timeOf(() => anybody.refused(401, 'POST', '/auth/sign-in', wrong)));
    times.unknown.push(await timeOf(() => anybody.refused(401, 'POST', '/auth/sign-in', unknown)));
  }
  const ratio = Math.min(...times.wrong) / Math.min(...times.unknown);
  expect(ratio, JSON.stringify(times)).toBeGreaterThan(1 / 3);
  expect(ratio, JSON.stringify(times)).toBeLessThan(3);
});

test('2. registration stores only a strong hash; a taken name or e-mail is 409, a weak password 400', async () => {
  const anybody = new Client(service.url);
  const username = unique('ada');
  const email = `${username}@example.com`;
  const secret = 'correct horse battery 4711';
  await anybody.call('POST', '/auth/register', { username, email, password: secret });

  const rows = await service.sql<{ row: string; password: string }>(
    `select u::text as row, u.password from "user" u where username = $1`,
    [username],
  );
  expect(rows).toHaveLength(1);
  expect(rows[0]!.row).not.toContain(secret);
  const [, memory, time] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(rows[0]!.password) ?? [];
  // The floor of the OWASP password storage cheat sheet: 19 MiB with two passes.
  expect(Number(memory)).toBeGreaterThanOrEqual(19_456);
  expect(Number(time)).toBeGreaterThanOrEqual(2);

  const other = unique('eve');
  const taken: [Record<string, string>, string][] = [
    [{ username, email: `${other}@example.com`, password: secret }, 'username_taken'],
    [{ username: username.toUpperCase(), email: `${other}@example.com`, password: secret }, 'username_taken'],
    [{ username: other, email: email.toUpperCase(), password: secret }, 'email_taken'],
  ];
  for (const [body, code] of taken) {
    expect((await anybody.refused(409, 'POST', '/auth/register', body)).code).toBe(code);
  }
  for (const weak of ['', 'short', 'password123', 'aaaaaaaaaaaa', '1234567890', `${other}!!`]) {
    const body = { username: other, email: `${other}@example.com`, password: weak };
    const problem = await anybody.refused(400, 'POST', '/auth/register', body);
    expect(fields(problem), weak).toEqual(['password']);
  }
  expect(await service.sql(`select 1 from "user" where lower(username) = $1`, [other])).toEqual([]);
});

test('3. without a session or token every endpoint but register, sign-in, health and docs is 401', async () => {
  const routes = await documentedRoutes();
  expect(routes.length).toBeGreaterThan(30);
  for (const { method, path } of routes) {
    const url = path.replaceAll(/\{[^}]+\}/g, '00000000-0000-4000-8000-000000000000');
    for (const authorization of [undefined, 'Bearer hvs_nonsense', 'Bearer', 'Basic Zm9vOmJhcg==']) {
      const response = await fetch(`${service.url}${url}`, {
        method,
        ...(authorization === undefined ? {} : { headers: { authorization } }),
      });
      await response.body?.cancel();
      if (openRoutes.has(`${method} ${path}`)) expect(response.status, `${method} ${path}`).not.toBe(401);
      else expect(response.status, `${method} ${path} with ${authorization}`).toBe(401);
    }
  }
  for (const path of ['/api/docs', '/api/openapi.json']) {
    expect((await fetch(`${service.url}${path}`)).status, path).toBe(200);
  }

  const person = await newOwner(service.url);
  await person.call('POST', '/auth/sign-out');
  await person.refused(401, 'GET', '/me');
});

test('4. whoever creates an organization becomes its owner', async () => {
  const person = await register(service.url);
  const made = await person.call<Organization>('POST', '/organizations', { name: unique('organization') });
  expect(made.role).toBe('owner');
  const { user, organizations } = await person.me();
  expect(organizations).toEqual([{ id: made.id, name: made.name, role: 'owner' }]);
  const members = await person.all<Member>(`/organizations/${made.id}/members`);
  expect(members.map(({ user_id, role }) => ({ user_id, role }))).toEqual([{ user_id: user.id, role: 'owner' }]);
});

test('5. owners and admins make invites with role, expiry and uses; others get 403', async () => {
  const owner = await newOwner(service.url);
  const path = `/organizations/${await owner.organizationId()}/invites`;
  const admin = await newMember(owner, 'admin');
  for (const person of [owner, admin]) {
    const made = await person.call<InviteWithCode>('POST', path, { role: 'viewer', expires_in_s: 3600, max_uses: 3 });
    expect(made).toMatchObject({ role: 'viewer', max_uses: 3, uses: 0 });
    expect(Date.parse(made.expires_at) - Date.parse(made.created_at)).toBeCloseTo(3_600_000, -4);
    expect(made.code).toMatch(/\S{16,}/);
  }
  for (const role of ['developer', 'viewer'] as const) {
    const person = await newMember(owner, role);
    expect((await person.refused(403, 'POST', path, { role: 'viewer' })).code).toBe('role_too_low');
  }
  // Nobody hands out more than they have.
  await admin.refused(403, 'POST', path, { role: 'owner' });
});

test('6. a valid invite joins with its role; unknown, expired or used up is 404', async () => {
  const owner = await newOwner(service.url);
  const organizationId = await owner.organizationId();
  const { code } = await invite(owner, { role: 'viewer' });
  const person = await register(service.url);
  const joined = await person.call<Organization>('POST', `/invites/${code}/accept`);
  expect(joined).toMatchObject({ id: organizationId, role: 'viewer' });
  expect((await person.me()).organizations).toMatchObject([{ id: organizationId, role: 'viewer' }]);

  const stranger = await register(service.url);
  const short = await invite(owner, { role: 'viewer', expires_in_s: 1 });
  await until('the invite has expired', async () => Date.now() > Date.parse(short.expires_at) + 200);
  for (const bad of [code, short.code, 'no-such-code', 'x'.repeat(40)]) {
    expect((await stranger.refused(404, 'POST', `/invites/${bad}/accept`)).code).toBe('unknown_invite');
  }
  expect((await stranger.me()).organizations).toEqual([]);
});

test('7. of two people racing for a single-use invite exactly one joins', async () => {
  const owner = await newOwner(service.url);
  for (let round = 0; round < 5; round += 1) {
    const people = await Promise.all([register(service.url), register(service.url)]);
    const { code } = await invite(owner, { role: 'developer', max_uses: 1 });
    const answers = await Promise.all(people.map((person) => person.ask('POST', `/invites/${code}/accept`)));
    expect(answers.map((answer) => answer.status).toSorted(ascending)).toEqual([201, 404]);
    const memberships = await Promise.all(people.map(async (person) => (await person.me()).organizations.length));
    expect(memberships.toSorted(ascending)).toEqual([0, 1]);
  }
});

test("8. another organization's cluster, deployment, log, event or member is 404 and in no list or stream", async () => {
  const owner = await newOwner(service.url);
  const stranger = await newOwner(service.url);
  const organizationId = await owner.organizationId();
  const { user } = await owner.me();
  const cluster = await owner.createCluster();
  const [node] = await owner.nodes(cluster.id);
  const deployment = await owner.submit(cluster.id);
  const { id: inviteId } = await invite(owner);
  const token = await owner.call<TokenWithSecret>('POST', `/organizations/${organizationId}/tokens`, { name: 'ci' });

  const stream = await readStream(stranger);
  const foreign: [Parameters<Client['ask']>[0], string, unknown?][] = [
    ['GET', `/organizations/${organizationId}`],
    ['PATCH', `/organizations/${organizationId}`, { name: 'mine now' }],
    ['GET', `/organizations/${organizationId}/members`],
    ['PATCH', `/organizations/${organizationId}/members/${user.id}`, { role: 'viewer' }],
    ['DELETE', `/organizations/${organizationId}/members/${user.id}`],
    ['GET', `/organizations/${organizationId}/invites`],
    ['POST', `/organizations/${organizationId}/invites`, {}],
    ['DELETE', `/organizations/${organizationId}/invites/${inviteId}`],
    ['GET', `/organizations/${organizationId}/tokens`],
    ['POST', `/organizations/${organizationId}/tokens`, { name: 'mine' }],
    ['DELETE', `/organizations/${organizationId}/tokens/${token.id}`],
    ['GET', `/clusters/${cluster.id}`],
    ['PATCH', `/clusters/${cluster.id}`, { name: 'mine-now' }],
    ['DELETE', `/clusters/${cluster.id}?force=true`],
    ['GET', `/clusters/${cluster.id}/nodes`],
    ['POST', `/clusters/${cluster.id}/nodes`, { name: 'n', ram: 1, cpu: 1 }],
    ['GET', `/clusters/${cluster.id}/nodes/${node!.id}`],
    ['PATCH', `/clusters/${cluster.id}/nodes/${node!.id}`, { schedulable: false }],
    ['DELETE', `/clusters/${cluster.id}/nodes/${node!.id}`],
    ['GET', `/clusters/${cluster.id}/queue`],
    ['POST', `/clusters/${cluster.id}/schedule`],
    ['GET', `/clusters/${cluster.id}/passes`],
    ['POST', '/deployments', { cluster_id: cluster.id, docker_image: 'x', ram_required: 1, cpu_required: 1 }],
    ['GET', `/deployments/${deployment.id}`],
    ['PATCH', `/deployments/${deployment.id}`, { priority: 1 }],
    ['POST', `/deployments/${deployment.id}/cancel`],
    ['POST', `/deployments/${deployment.id}/stop`],
    ['POST', `/deployments/${deployment.id}/retry`],
    ['DELETE', `/deployments/${deployment.id}`],
    ['GET', `/deployments/${deployment.id}/logs`],
    ['GET', `/deployments/${deployment.id}/events`],
  ];
  for (const [method, path, body] of foreign) {
    expect((await stranger.refused(404, method, path, body)).code, `${method} ${path}`).toMatch(/not_found/);
  }
  // What never was is answered in the same words.
  const never = deployment.id.replace(/^.{8}/, '00000000');
  expect(withoutId(await stranger.refused(404, 'GET', `/deployments/${deployment.id}`))).toEqual(
    withoutId(await stranger.refused(404, 'GET', `/deployments/${never}`)),
  );

  expect(await stranger.all('/clusters')).toEqual([]);
  expect(await stranger.all('/deployments')).toEqual([]);
  for (const query of [`cluster_id=${cluster.id}`, `submitted_by=${user.id}`]) {
    expect(await stranger.all(`/deployments?${query}`), query).toEqual([]);
  }
  const own = await stranger.organizationId();
  for (const query of ['', `?cluster_id=${cluster.id}`, `?deployment_id=${deployment.id}`]) {
    const events = await stranger.all<Event>(`/events${query}`);
    expect(events.every((event) => event.organization_id === own)).toBe(true);
  }

  // The stream has told of a later event of its own, and of nothing foreign before it.
  const later = await owner.submit(cluster.id);
  const mine = await stranger.createCluster();
  await until('the stream tells of the own cluster', async () => stream.text().includes(mine.id));
  for (const id of [cluster.id, deployment.id, later.id, organizationId]) expect(stream.text()).not.toContain(id);
  stream.close();
  expect((await owner.deployment(deployment.id)).priority).toBe(50);
});

test("9. member lists show one's own organization only", async () => {
  const [first, second] = [await newOwner(service.url), await newOwner(service.url)];
  const members = [await newMember(first, 'viewer'), await newMember(first, 'developer')];
  const expected = await Promise.all([first, ...members].map(async (person) => (await person.me()).user.id));
  const listed = await first.all<Member>(`/organizations/${await first.organizationId()}/members`);
  expect(listed.map((member) => member.user_id).toSorted()).toEqual(expected.toSorted());
  expect(JSON.stringify(listed)).not.toMatch(/argon2|password/);
  const others = await second.all<Member>(`/organizations/${await second.organizationId()}/members`);
  expect(others.map((member) => member.user_id)).toEqual([(await second.me()).user.id]);
});

test('10. a viewer changes nothing; a developer manages no people, tokens of others or clusters; the last owner stays', async () => {
  const owner = await newOwner(service.url);
  const viewer = await newMember(owner, 'viewer');
  const developer = await newMember(owner, 'developer');
  const organization = `/organizations/${await owner.organizationId()}`;
  const cluster = await owner.createCluster();
  const [node] = await owner.nodes(cluster.id);
  const deployment = await owner.submit(cluster.id);
  const ownerId = (await owner.me()).user.id;
  const { id: inviteId } = await invite(owner);
  const token = await owner.call<TokenWithSecret>('POST', `${organization}/tokens`, { name: 'ci' });

  const ofAdmins: [Parameters<Client['ask']>[0], string, unknown?][] = [
    ['PATCH', organization, { name: 'other' }],
    ['PATCH', `${organization}/members/${ownerId}`, { role: 'viewer' }],
    ['DELETE', `${organization}/members/${ownerId}`],
    ['POST', `${organization}/invites`, {}],
    ['DELETE', `${organization}/invites/${inviteId}`],
    ['POST', '/registry-credentials', { server: 'r.example.com', username: 'u', password: 'p' }],
    ['POST', '/clusters', { name: 'c', ram: 1, cpu: 1, gpu: 0 }],
    ['PATCH', `/clusters/${cluster.id}`, { name: 'other' }],
    ['DELETE', `/clusters/${cluster.id}?force=true`],
    ['POST', `/clusters/${cluster.id}/nodes`, { name: 'n', ram: 1, cpu: 1 }],
    ['PATCH', `/clusters/${cluster.id}/nodes/${node!.id}`, { schedulable: false }],
    ['DELETE', `/clusters/${cluster.id}/nodes/${node!.id}`],
  ];
  const ofDevelopers: typeof ofAdmins = [
    ['POST', '/deployments', { cluster_id: cluster.id, docker_image: 'x', ram_required: 1, cpu_required: 1 }],
    ['PATCH', `/deployments/${deployment.id}`, { priority: 1 }],
    ['POST', `/deployments/${deployment.id}/cancel`],
    ['POST', `/deployments/${deployment.id}/stop`],
    ['POST', `/deployments/${deployment.id}/retry`],
    ['DELETE', `/deployments/${deployment.id}`],
    ['POST', `/clusters/${cluster.id}/schedule`],
  ];
  for (const [method, path, body] of [...ofAdmins, ...ofDevelopers]) await viewer.refused(403, method, path, body);
  for (const [method, path, body] of ofAdmins) await developer.refused(403, method, path, body);
  for (const person of [viewer, developer]) {
    // A token of somebody else: whether it exists is not for them either.
    const answer = await person.ask('DELETE', `${organization}/tokens/${token.id}`);
    expect([403, 404]).toContain(answer.status);
    const tokens = await person.get<Page<{ id: string }>>(`${organization}/tokens`);
    expect(tokens.items.map((one) => one.id)).not.toContain(token.id);
  }
  // What they may: read, and (developers) submit.
  await viewer.get(`/deployments/${deployment.id}`);
  await developer.submit(cluster.id);
  await new Client(service.url, token.token).get(`/clusters/${cluster.id}`);

  const alone: Problem = await owner.refused(409, 'DELETE', `${organization}/members/${ownerId}`);
  expect(alone.code).toBe('last_owner');
  await owner.refused(409, 'PATCH', `${organization}/members/${ownerId}`, { role: 'viewer' });
  expect((await owner.me()).organization).toMatchObject({ role: 'owner' });
  const second = await newMember(owner, 'owner');
  await owner.call('DELETE', `${organization}/members/${ownerId}`);
  expect((await second.all<Member>(`${organization}/members`)).map((one) => one.user_id)).not.toContain(ownerId);
});

async function documentedRoutes(): Promise<{ method: string; path: string }[]> {
  const response = await fetch(`${service.url}/api/openapi.json`);
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  );
}

/** Opens the event stream, and collects what it says. */
async function readStream(client: Client): Promise<{ text: () => string; close: () => void }> {
  const stop = new AbortController();
  const response = await client.fetch('/api/v1/events/stream', { signal: stop.signal });
  expect(response.status).toBe(200);
  let text = '';
  const read = async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
  };
  read().catch(() => undefined);
  return { text: () => text, close: () => stop.abort() };
}

/** What two problems can have in common: all but the number of the request. */
function withoutId(problem: Problem): Problem {
  return { ...problem, request_id: '' };
}

function fields(problem: Problem): string[] {
  return [...new Set((problem.errors ?? []).map((error) => error.field))];
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
