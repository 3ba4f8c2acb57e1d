import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, expectStatus, startTestApi, type TestApi, type TestUser } from '../support/api.ts';

let t: TestApi;
beforeAll(async () => {
  t = await startTestApi();
});
afterAll(() => t.close());

const roleOf = async (user: TestUser, organization: { id: string }) => {
  const { body } = await t.ask('GET', '/organizations', { as: user });
  return (body['items'] as { id: string; role: string }[]).find(({ id }) => id === organization.id)?.role;
};
const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status).toSorted((a, b) => a - b);
const nowhere = '01890a5d-ac96-774b-bcce-b302099a8057';

const makeInvite = async (organization: { id: string; owner: TestUser }, body: object, as = organization.owner) =>
  t.ask('POST', `/organizations/${organization.id}/invites`, { as, body });
const accept = (code: unknown, as: TestUser) => t.ask('POST', `/invites/${String(code)}/accept`, { as });

describe('an organization', () => {
  it('belongs to who created it, and is the one in use (conformance 4)', async () => {
    const organization = await t.organization();
    expect(await roleOf(organization.owner, organization)).toBe('owner');
    const { body } = await t.ask('GET', '/me', { as: organization.owner });
    expect(body).toMatchObject({ organization: { id: organization.id, role: 'owner' }, token: null });
  });

  it('has a name of its own', async () => {
    const { owner } = await t.organization();
    const again = await t.ask('POST', '/organizations', { as: owner, body: { name: `ORG ${owner.username}` } });
    expect(again.body).toMatchObject({ status: 409, code: 'name_taken' });
  });

  it('is renamed by owners, in the version that they read', async () => {
    const organization = await t.organization();
    const path = `/organizations/${organization.id}`;
    const { headers } = await t.ask('GET', path, { as: organization.owner });
    expect(headers['etag']).toBe('"1"');
    const rename = (name: string, ifMatch: string) =>
      t.ask('PATCH', path, { as: organization.owner, body: { name }, headers: { 'if-match': ifMatch } });
    const names = [1, 2, 3].map((n) => `Renamed ${organization.owner.username} ${n}`);
    expect(statuses(await Promise.all(names.map((name) => rename(name, '"1"'))))).toEqual([200, 412, 412]);
    expect((await rename('x', 'nonsense')).body).toMatchObject({ status: 400, errors: [{ field: 'if-match' }] });
    const last = await rename(names[0]!, '*');
    expect(last.headers['etag']).toBe('"3"');
    const admin = await t.member(organization, 'admin');
    expect((await t.ask('PATCH', path, { as: admin, body: { name: 'x' } })).status).toBe(403);
  });

  it('does not exist for others, in no route (conformance 8)', async () => {
    const { id, owner } = await t.organization();
    const { owner: stranger } = await t.organization();
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'x' }],
      ['GET', '/members', undefined],
      ['PATCH', `/members/${owner.id}`, { role: 'viewer' }],
      ['DELETE', `/members/${owner.id}`, undefined],
      ['POST', '/invites', {}],
      ['GET', '/invites', undefined],
      ['DELETE', `/invites/${nowhere}`, undefined],
      ['POST', '/tokens', { name: 'x' }],
      ['GET', '/tokens', undefined],
      ['DELETE', `/tokens/${nowhere}`, undefined],
    ] as const) {
      const theirs = await t.ask(method, `/organizations/${id}${path}`, { as: stranger, body });
      const none = await t.ask(method, `/organizations/${nowhere}${path}`, { as: stranger, body });
      const noId = await t.ask(method, `/organizations/nonsense${path}`, { as: stranger, body });
      expect(`${method} ${path} ${theirs.status}`).toBe(`${method} ${path} 404`);
      expect({ ...theirs.body, request_id: '' }).toEqual({ ...none.body, request_id: '' });
      expect(noId.status).toBe(404);
    }
    const lists = await t.ask('GET', '/organizations', { as: stranger });
    expect(JSON.stringify(lists.body)).not.toContain(id);
    const switched = await t.ask('PATCH', '/me', { as: stranger, body: { organization_id: id } });
    expect(switched.status).toBe(404);
    const nonsense = await t.ask('PATCH', '/me', { as: stranger, body: { organization_id: 'nonsense' } });
    expect(nonsense.status).toBe(404);
  });

  it('is chosen among one’s own', async () => {
    const first = await t.organization();
    const second = await t.organization();
    const user = await t.member(first, 'admin');
    const invite = await t.ask('POST', `/organizations/${second.id}/invites`, {
      as: second.owner,
      body: { role: 'viewer' },
    });
    await expectStatus(t.ask('POST', `/invites/${invite.body['code']}/accept`, { as: user }), 201);
    expect((await t.ask('GET', '/me', { as: user })).body['organization']).toMatchObject({
      id: first.id,
      role: 'admin',
    });
    const switched = await t.ask('PATCH', '/me', { as: user, body: { organization_id: second.id } });
    expect(switched.body['organization']).toMatchObject({ id: second.id, role: 'viewer' });
    // At once, and not after the second that sessions are remembered for.
    expect((await t.ask('GET', '/registry-credentials', { as: user })).status).toBe(403);
    await t.ask('PATCH', '/me', { as: user, body: { organization_id: first.id } });
    expect((await t.ask('GET', '/registry-credentials', { as: user })).status).toBe(200);
    // Who leaves the one in use goes on with another.
    await expectStatus(t.ask('DELETE', `/organizations/${first.id}/members/${user.id}`, { as: user }), 204);
    expect((await t.ask('GET', '/me', { as: user })).body['organization']).toMatchObject({ id: second.id });
  });

  it('must be there for what needs one', async () => {
    const user = await t.user();
    const { body } = await t.ask('GET', '/registry-credentials', { as: user });
    expect(body).toMatchObject({ status: 403, code: 'no_organization' });
  });

  it('is listed page by page', async () => {
    const user = await t.user();
    for (const n of [3, 1, 2]) {
      await expectStatus(t.ask('POST', '/organizations', { as: user, body: { name: `${user.username} ${n}` } }), 201);
    }
    const names: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const { body } = await t.ask('GET', `/organizations?limit=2${query}`, { as: user });
      names.push(...(body['items'] as { name: string }[]).map(({ name }) => name));
      cursor = body['next_cursor'];
    }
    expect(names).toEqual([1, 2, 3].map((n) => `${user.username} ${n}`));
    const broken = await t.ask('GET', '/organizations?cursor=broken', { as: user });
    expect(broken.body).toMatchObject({ status: 400, errors: [{ field: 'cursor' }] });
    const limit = await t.ask('GET', '/organizations?limit=0&nonsense=1', { as: user });
    expect(limit.body).toMatchObject({
      status: 400,
      errors: [
        { field: 'limit', message: 'must be at least 1' },
        { field: 'nonsense', message: 'is not known here' },
      ],
    });
  });
});

describe('members', () => {
  it('are those of one’s own organization only (conformance 9)', async () => {
    const organization = await t.organization();
    const viewer = await t.member(organization, 'viewer');
    await t.member(await t.organization(), 'viewer');
    const { body } = await t.ask('GET', `/organizations/${organization.id}/members`, { as: viewer });
    const listed = (body['items'] as { user_id: string; role: string }[]).map(({ user_id }) => user_id);
    expect(listed.toSorted()).toEqual([organization.owner.id, viewer.id].toSorted());
    expect(JSON.stringify(body)).not.toContain('argon2');
  });

  it('are managed by admins, and owners by owners', async () => {
    const organization = await t.organization();
    const { owner } = organization;
    const admin = await t.member(organization, 'admin');
    const developer = await t.member(organization, 'developer');
    const viewer = await t.member(organization, 'viewer');
    const members = `/organizations/${organization.id}/members`;
    const setRole = (as: TestUser, user: TestUser, role: string) =>
      t.ask('PATCH', `${members}/${user.id}`, { as, body: { role } });

    for (const low of [developer, viewer]) {
      expect((await setRole(low, viewer, 'admin')).status).toBe(403);
      expect((await setRole(low, low, 'owner')).status).toBe(403);
      expect((await t.ask('DELETE', `${members}/${owner.id}`, { as: low })).status).toBe(403);
      expect((await t.ask('DELETE', `${members}/${nowhere}`, { as: low })).status).toBe(403);
    }
    expect((await setRole(admin, admin, 'owner')).status).toBe(403);
    expect((await setRole(admin, viewer, 'owner')).status).toBe(403);
    expect((await setRole(admin, owner, 'viewer')).status).toBe(403);
    expect((await t.ask('DELETE', `${members}/${owner.id}`, { as: admin })).status).toBe(403);

    expect((await setRole(admin, viewer, 'developer')).body).toMatchObject({ user_id: viewer.id, role: 'developer' });
    expect((await setRole(owner, viewer, 'owner')).status).toBe(200);
    expect(await roleOf(viewer, organization)).toBe('owner');
    expect((await setRole(viewer, viewer, 'viewer')).status).toBe(200);
    expect((await setRole(admin, { ...admin, id: nowhere }, 'viewer')).status).toBe(404);
    expect((await t.ask('DELETE', `${members}/nonsense`, { as: admin })).status).toBe(404);

    await expectStatus(t.ask('DELETE', `${members}/${viewer.id}`, { as: admin }), 204);
    expect((await t.ask('GET', members, { as: viewer })).status).toBe(404);
  });

  it('who may not change anything learn nothing about the form of it', async () => {
    const organization = await t.organization();
    const viewer = await t.member(organization, 'viewer');
    const garbage = { as: viewer, body: '{"x":', headers: { 'content-type': 'application/json' } };
    expect((await t.ask('POST', `/organizations/${organization.id}/invites`, garbage)).status).toBe(403);
    expect((await t.ask('POST', '/registry-credentials', garbage)).status).toBe(403);
  });

  it('keep a last owner, who can neither leave nor step down (conformance 10)', async () => {
    const organization = await t.organization();
    const { owner } = organization;
    const path = `/organizations/${organization.id}/members/${owner.id}`;
    expect((await t.ask('DELETE', path, { as: owner })).body).toMatchObject({ status: 409, code: 'last_owner' });
    const stepDown = await t.ask('PATCH', path, { as: owner, body: { role: 'admin' } });
    expect(stepDown.body).toMatchObject({ status: 409, code: 'last_owner' });
    expect((await t.ask('PATCH', path, { as: owner, body: { role: 'owner' } })).status).toBe(200);
  });

  it('keep a last owner also when all of them leave at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const organization = await t.organization();
      const others = await Promise.all([1, 2, 3].map(() => t.member(organization, 'owner')));
      const owners = [organization.owner, ...others];
      const answers = await Promise.all(
        owners.map((as, i) =>
          i % 2 === 0
            ? t.ask('DELETE', `/organizations/${organization.id}/members/${as.id}`, { as })
            : t.ask('PATCH', `/organizations/${organization.id}/members/${as.id}`, { as, body: { role: 'viewer' } }),
        ),
      );
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(1);
      const left = await t.db
        .selectFrom('membership')
        .select('user_id')
        .where('organization_id', '=', organization.id)
        .where('role', '=', 'owner')
        .execute();
      expect(left).toHaveLength(1);
    }
  });

  it('who are demoted meanwhile act no more with their old role', async () => {
    const organization = await t.organization();
    const second = await t.member(organization, 'owner');
    const members = `/organizations/${organization.id}/members`;
    // Each demotes the other: whoever comes second is no owner any more.
    const answers = await Promise.all([
      t.ask('PATCH', `${members}/${second.id}`, { as: organization.owner, body: { role: 'viewer' } }),
      t.ask('PATCH', `${members}/${organization.owner.id}`, { as: second, body: { role: 'viewer' } }),
    ]);
    expect(statuses(answers)).toEqual([200, 403]);
  });
});

describe('invites', () => {
  it('are made by owners and admins, up to their role (conformance 5)', async () => {
    const organization = await t.organization();
    const admin = await t.member(organization, 'admin');
    for (const role of ['admin', 'developer', 'viewer']) {
      expect((await makeInvite(organization, { role }, admin)).status).toBe(201);
    }
    expect((await makeInvite(organization, { role: 'owner' }, admin)).body).toMatchObject({
      status: 403,
      code: 'role_too_low',
    });
    for (const role of ['developer', 'viewer']) {
      const member = await t.member(organization, role);
      expect((await makeInvite(organization, {}, member)).status).toBe(403);
      expect((await t.ask('GET', `/organizations/${organization.id}/invites`, { as: member })).status).toBe(403);
    }
    const made = await makeInvite(organization, { role: 'viewer', expires_in_s: 60, max_uses: 3 });
    expect(made.body).toMatchObject({ role: 'viewer', max_uses: 3, uses: 0 });
    expect(Date.parse(made.body['expires_at']) - Date.now()).toBeLessThanOrEqual(60_000);
    expect(made.body['code']).toMatch(/^hvi_[\w-]{43}$/);
    const list = await t.ask('GET', `/organizations/${organization.id}/invites`, { as: admin });
    expect(list.body['items'][0]).toMatchObject({ id: made.body['id'] });
    expect(JSON.stringify(list.body)).not.toContain('hvi_');
  });

  it('join with their role, as often as they say; else they are unknown (conformance 6)', async () => {
    const organization = await t.organization();
    const { body } = await makeInvite(organization, { role: 'developer', max_uses: 2 });
    const [first, second, third] = await Promise.all([t.user(), t.user(), t.user()]);
    expect((await accept(body['code'], first)).body).toMatchObject({ id: organization.id, role: 'developer' });
    expect(await roleOf(first, organization)).toBe('developer');
    // Who is in already takes no use away.
    expect((await accept(body['code'], first)).body).toMatchObject({ status: 409, code: 'already_member' });
    expect((await accept(body['code'], organization.owner)).status).toBe(409);
    expect((await accept(body['code'], second)).status).toBe(201);
    expect((await accept(body['code'], third)).body).toMatchObject({ status: 404, code: 'unknown_invite' });

    for (const code of ['hvi_unknown', 'x', 'a'.repeat(300), '%00', encodeURIComponent('é')]) {
      expect((await accept(code, third)).status).toBe(404);
    }
    const expired = await makeInvite(organization, { role: 'viewer' });
    await t.db
      .updateTable('invite')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('id', '=', expired.body['id'])
      .execute();
    expect((await accept(expired.body['code'], third)).status).toBe(404);

    const revoked = await makeInvite(organization, {});
    const path = `/organizations/${organization.id}/invites/${revoked.body['id']}`;
    await expectStatus(t.ask('DELETE', path, { as: organization.owner }), 204);
    expect((await t.ask('DELETE', path, { as: organization.owner })).status).toBe(404);
    expect((await accept(revoked.body['code'], third)).status).toBe(404);
  });

  it('for one let in exactly one of those who race (conformance 7)', async () => {
    const organization = await t.organization();
    for (let round = 0; round < 5; round += 1) {
      const { body } = await makeInvite(organization, { role: 'viewer' });
      const users = await Promise.all(Array.from({ length: 4 }, () => t.user()));
      const answers = await Promise.all(users.map((user) => accept(body['code'], user)));
      expect(statuses(answers)).toEqual([201, 404, 404, 404]);
      const row = await t.db.selectFrom('invite').select('uses').where('id', '=', body['id']).executeTakeFirstOrThrow();
      expect(row.uses).toBe(1);
    }
  });

  it('accepted twice at once by one person join once', async () => {
    const organization = await t.organization();
    const { body } = await makeInvite(organization, { max_uses: 5 });
    const user = await t.user();
    const answers = await Promise.all([1, 2, 3].map(() => accept(body['code'], user)));
    expect(statuses(answers)).toEqual([201, 409, 409]);
    const row = await t.db.selectFrom('invite').select('uses').where('id', '=', body['id']).executeTakeFirstOrThrow();
    expect(row.uses).toBe(1);
  });
});

describe('what happened', () => {
  it('is written down, each with who did it, and without secrets', async () => {
    const organization = await t.organization();
    const member = await t.member(organization, 'developer');
    await t.ask('PATCH', `/organizations/${organization.id}/members/${member.id}`, {
      as: organization.owner,
      body: { role: 'viewer' },
    });
    await t.ask('DELETE', `/organizations/${organization.id}/members/${member.id}`, { as: member });
    const events = await t.db
      .selectFrom('event')
      .select(['type', 'actor_id', 'message', 'data'])
      .where('organization_id', '=', organization.id)
      .orderBy('tx')
      .orderBy('id')
      .execute();
    expect(events.map(({ type, actor_id }) => [type, actor_id])).toEqual([
      ['organization.created', organization.owner.id],
      ['invite.created', organization.owner.id],
      ['member.joined', member.id],
      ['member.role_changed', organization.owner.id],
      ['member.left', member.id],
    ]);
    expect(JSON.stringify(events)).not.toMatch(/hv[sti]_/);
  });
});
