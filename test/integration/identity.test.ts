import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectStatus, startTestApi, type TestApi, testPassword } from '../support/api.ts';

let t: TestApi;
beforeAll(async () => {
  t = await startTestApi();
});
afterAll(() => t.close());

const signIn = (username: string, password: string) => t.ask('POST', '/auth/sign-in', { body: { username, password } });

async function timed(work: () => ReturnType<typeof signIn>) {
  const start = performance.now();
  const answer = await work();
  return { answer, ms: performance.now() - start };
}

const register = (body: object) => t.ask('POST', '/auth/register', { body });

describe('signing in', () => {
  it('takes the username or the e-mail address, in any case', async () => {
    const user = await t.user();
    for (const name of [user.username, `${user.username}@example.com`, user.username.toUpperCase()]) {
      const { body, headers } = await expectStatus(signIn(name, testPassword), 200);
      expect(body['token']).toMatch(/^hvs_[\w-]{43}$/);
      expect(body['user']).toMatchObject({ id: user.id, organization_id: null, operator: false });
      expect(headers['set-cookie']).toMatch(
        /^hypervisor_session=hvs_[\w-]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Lax$/,
      );
    }
  });

  it('answers the same to a wrong password and an unknown user, in about the same time (conformance 1)', async () => {
    const { username } = await t.user();
    const bodies = new Set<string>();
    const fastest = { wrong: Number.POSITIVE_INFINITY, unknown: Number.POSITIVE_INFINITY };
    // In turns, and the least of each: what else the machine does only ever adds.
    for (let round = 0; round < 10; round += 1) {
      const wrong = await timed(() => signIn(username, 'wrong password'));
      const unknown = await timed(() => signIn(`${username}x`, 'wrong password'));
      fastest.wrong = Math.min(fastest.wrong, wrong.ms);
      fastest.unknown = Math.min(fastest.unknown, unknown.ms);
      for (const { answer } of [wrong, unknown]) {
        expect(answer.status).toBe(401);
        bodies.add(JSON.stringify({ ...answer.body, request_id: '' }));
      }
    }
    expect(bodies.size).toBe(1);
    expect(fastest.unknown / fastest.wrong).toBeGreaterThan(1 / 3);
    expect(fastest.unknown / fastest.wrong).toBeLessThan(3);
  });

  it('refuses a NUL by the name of its field', async () => {
    const { body, status } = await signIn('a\u0000b', 'x');
    expect(status).toBe(400);
    expect(body).toMatchObject({ errors: [{ field: 'username', message: 'must not contain NUL' }] });
  });
});

describe('registration', () => {
  it('stores only strong hashes, of passwords and of tokens (conformance 2)', async () => {
    const user = await t.user();
    const row = await t.db.selectFrom('user').selectAll().where('id', '=', user.id).executeTakeFirstOrThrow();
    expect(row.password).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const session = await t.db
      .selectFrom('session')
      .selectAll()
      .where('user_id', '=', user.id)
      .executeTakeFirstOrThrow();
    expect(session.token_hash).toHaveLength(32);
    expect(JSON.stringify([row, session])).not.toContain(user.token);
  });

  it('refuses a taken name or address, in any case, also when two race (conformance 2)', async () => {
    const { username } = await t.user();
    const body = { username: 'another-one', email: 'another@example.com', password: testPassword };
    const byName = await register({ ...body, username: username.toUpperCase() });
    expect(byName.body).toMatchObject({ status: 409, code: 'username_taken' });
    const byEmail = await register({ ...body, email: `${username.toUpperCase()}@example.com` });
    expect(byEmail.body).toMatchObject({ status: 409, code: 'email_taken' });
    const racing = await Promise.all(Array.from({ length: 5 }, () => register(body)));
    expect(racing.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409]);
  });

  it.each([
    ['short', 'password'],
    ['password123', 'password'],
    ['aaaaaaaaaaaa', 'password'],
    ['weakling-2024', 'password'],
    ['a'.repeat(201), 'password'],
  ])('refuses the weak password %j (conformance 2)', async (password, field) => {
    const { body } = await register({ username: 'weakling', email: 'w@example.com', password });
    expect(body).toMatchObject({ status: 400, code: 'validation_failed', errors: [{ field }] });
  });

  it('refuses names that are none', async () => {
    const valid = { username: 'valid-name', email: 'v@example.com', password: testPassword };
    for (const [field, value] of [
      ['username', 'a@b'],
      ['username', ''],
      ['username', 'a'.repeat(41)],
      ['email', 'nonsense'],
      ['email', 'a\u0000@example.com'],
      ['invite', 7],
    ] as const) {
      expect((await register({ ...valid, [field]: value })).body).toMatchObject({ status: 400, errors: [{ field }] });
    }
  });
});

describe('registration by invite only', () => {
  let closed: TestApi;
  beforeAll(async () => {
    closed = await startTestApi({ config: { registration: 'invite' } });
  });
  afterAll(() => closed.close());

  it('is closed without one, and open with one, whose organization is joined at once', async () => {
    const { createFirstOwner } = await import('../../src/store/first-owner.ts');
    const first = { username: 'first', email: 'f@example.com', password: testPassword, organizationName: 'First' };
    const created = await Promise.all([1, 2, 3].map(() => createFirstOwner(closed.db, first)));
    const owner = created.find((one) => one !== null);
    expect(created.filter((one) => one !== null)).toHaveLength(1);
    expect(owner?.user).toMatchObject({ operator: true, organization_id: owner?.organization.id });

    const session = await closed.ask('POST', '/auth/sign-in', { body: { username: 'first', password: testPassword } });
    const as = { token: session.body['token'] };
    const invite = await closed.ask('POST', `/organizations/${owner?.organization.id}/invites`, {
      as,
      body: { role: 'viewer' },
    });
    const body = { username: 'second', email: 's@example.com', password: testPassword };
    const refused = await closed.ask('POST', '/auth/register', { body });
    expect(refused.body).toMatchObject({ status: 403, code: 'registration_closed' });
    const unknown = await closed.ask('POST', '/auth/register', { body: { ...body, invite: 'hvi_unknown' } });
    expect(unknown.body).toMatchObject({ status: 404, code: 'unknown_invite' });
    const joined = await closed.ask('POST', '/auth/register', { body: { ...body, invite: invite.body['code'] } });
    expect(joined.status).toBe(201);
    expect(joined.body['user']).toMatchObject({ organization_id: owner?.organization.id });
    const me = await closed.ask('GET', '/me', { as: { token: joined.body['token'] } });
    expect(me.body['organization']).toMatchObject({ name: 'First', role: 'viewer' });
    // The one use is gone, and nothing was written for who came too late.
    const third = { username: 'third', email: 't@example.com', password: testPassword, invite: invite.body['code'] };
    expect((await closed.ask('POST', '/auth/register', { body: third })).status).toBe(404);
    const users = await closed.db.selectFrom('user').select('username').orderBy('username').execute();
    expect(users.map(({ username }) => username)).toEqual(['first', 'second']);
  });

  it('lets nobody but the operator see metrics', async () => {
    const session = await closed.ask('POST', '/auth/sign-in', { body: { username: 'second', password: testPassword } });
    const second = { token: session.body['token'] };
    expect((await closed.ask('GET', '/metrics', { as: second })).body).toMatchObject({ code: 'operator_only' });
    const first = await closed.ask('POST', '/auth/sign-in', { body: { username: 'first', password: testPassword } });
    const metrics = await closed.ask('GET', '/metrics', { as: { token: first.body['token'] } });
    expect(metrics.headers['content-type']).toMatch(/^text\/plain/);
    expect(metrics.body['text']).toContain(
      '\nhypervisor_http_request_duration_seconds_count{method="POST",route="/api/v1/auth/sign-in",status="200"}',
    );
    expect((await closed.ask('GET', '/ready')).body).toEqual({ status: 'ready' });
  });
});

describe('a session', () => {
  it('ends by signing out, at once', async () => {
    const user = await t.user();
    expect((await t.ask('GET', '/me', { as: user })).status).toBe(200);
    const out = await expectStatus(t.ask('POST', '/auth/sign-out', { as: user }), 204);
    expect(out.headers['set-cookie']).toMatch(/^hypervisor_session=; /);
    expect((await t.ask('GET', '/me', { as: user })).status).toBe(401);
  });

  it('counts no more once it has expired', async () => {
    const user = await t.user();
    await t.db.updateTable('session').set({ expires_at: new Date() }).where('user_id', '=', user.id).execute();
    expect((await t.ask('GET', '/me', { as: user })).status).toBe(401);
  });

  it('works as a cookie, where a change must come from the same site', async () => {
    const user = await t.user();
    const cookie = `hypervisor_session=${user.token}`;
    const create = (name: string, headers: Record<string, string>) =>
      t.ask('POST', '/organizations', { headers: { cookie, host: 'hv.example.com', ...headers }, body: { name } });
    expect((await t.ask('GET', '/me', { headers: { cookie } })).status).toBe(200);
    // Reading is harmless: another site cannot see the answer.
    expect((await t.ask('GET', '/me', { headers: { cookie, origin: 'https://evil.example.com' } })).status).toBe(200);
    const crossSite: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example.com' },
      { origin: 'null' },
    ];
    for (const headers of crossSite) {
      expect((await create('never', headers)).body).toMatchObject({ status: 403, code: 'cross_site' });
    }
    expect((await create(`${user.username} 1`, { 'sec-fetch-site': 'same-origin' })).status).toBe(201);
    expect((await create(`${user.username} 2`, { origin: 'http://hv.example.com' })).status).toBe(201);
    expect((await create(`${user.username} 3`, {})).status).toBe(201);
  });

  it('ends when the password changes, but for the one that changed it', async () => {
    const user = await t.user();
    const other = { token: (await signIn(user.username, testPassword)).body['token'] };
    const change = (body: object) => t.ask('PATCH', '/me', { as: user, body });
    expect((await t.ask('GET', '/me', { as: other })).status).toBe(200);

    const password = 'brass-otter-tidal-24';
    expect((await change({ password })).body).toMatchObject({ status: 400, errors: [{ field: 'current_password' }] });
    expect((await change({ password, current_password: 'wrong' })).body).toMatchObject({ code: 'wrong_password' });
    expect((await change({ password: 'password123', current_password: testPassword })).status).toBe(400);
    await expectStatus(change({ password, current_password: testPassword }), 200);

    expect((await t.ask('GET', '/me', { as: other })).status).toBe(401);
    expect((await t.ask('GET', '/me', { as: user })).status).toBe(200);
    expect((await signIn(user.username, testPassword)).status).toBe(401);
    expect((await signIn(user.username, password)).status).toBe(200);
  });
});

describe('without a session', () => {
  it('a body is not even looked at', async () => {
    const malformed = await t.ask('POST', '/organizations', {
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect(malformed.status).toBe(401);
    expect((await t.ask('GET', '/nothing')).status).toBe(401);
  });
});

describe('with a session', () => {
  it('unknown routes and methods are named', async () => {
    const user = await t.user();
    expect((await t.ask('GET', '/nothing', { as: user })).body).toMatchObject({ status: 404, code: 'unknown_route' });
    const { body, headers } = await t.ask('PUT', '/me', { as: user });
    expect(body).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(headers['allow']).toBe('GET, HEAD, PATCH');
  });
});
