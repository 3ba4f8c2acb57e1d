import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryCredentialFor } from '../../src/store/registry-credentials.ts';
import { expectStatus, startTestApi, type TestApi, type TestUser } from '../support/api.ts';

let t: TestApi;
beforeAll(async () => {
  t = await startTestApi();
});
afterAll(() => t.close());

type Organization = { id: string; owner: TestUser };

const create = (organization: { id: string }, as: { token: string }, body: object = { name: 'ci' }) =>
  t.ask('POST', `/organizations/${organization.id}/tokens`, { as, body });

async function tokenOf(organization: Organization, as: TestUser, body?: object) {
  const answer = await expectStatus(create(organization, as, body), 201);
  return { id: answer.body['id'], token: answer.body['token'] };
}

describe('API tokens', () => {
  it('are shown once and stored as a hash', async () => {
    const organization = await t.organization();
    const { body } = await expectStatus(
      create(organization, organization.owner, { name: 'ci', expires_in_s: 60 }),
      201,
    );
    expect(body['token']).toMatch(/^hvt_[\w-]{43}$/);
    expect(body).toMatchObject({ name: 'ci', role: 'owner', user_id: organization.owner.id, last_used_at: null });
    expect(body['token'].startsWith(body['prefix'])).toBe(true);
    const list = await t.ask('GET', `/organizations/${organization.id}/tokens`, { as: organization.owner });
    expect(JSON.stringify(list.body)).not.toContain(body['token']);
    const rows = await t.db.selectFrom('api_token').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(body['token']);
  });

  it('act in their organization only, whatever their member has in use', async () => {
    const first = await t.organization();
    const second = await t.organization();
    const user = await t.member(first, 'admin');
    const invite = await t.ask('POST', `/organizations/${second.id}/invites`, {
      as: second.owner,
      body: { role: 'owner' },
    });
    await expectStatus(t.ask('POST', `/invites/${invite.body['code']}/accept`, { as: user }), 201);
    const token = await tokenOf(second, user);
    const me = await t.ask('GET', '/me', { as: token });
    expect(me.body).toMatchObject({
      user: { id: user.id },
      organization: { id: second.id, role: 'owner' },
      token: { id: token.id, name: 'ci', role: 'owner' },
    });
    expect(me.body['organizations']).toHaveLength(1);
    expect((await t.ask('GET', `/organizations/${second.id}/members`, { as: token })).status).toBe(200);
    expect((await t.ask('GET', `/organizations/${first.id}/members`, { as: token })).status).toBe(404);
    expect(JSON.stringify((await t.ask('GET', '/organizations', { as: token })).body)).not.toContain(first.id);
  });

  it('cannot change the account, nor make further ones', async () => {
    const organization = await t.organization();
    const token = await tokenOf(organization, organization.owner);
    const answers = [
      await t.ask('PATCH', '/me', { as: token, body: { organization_id: organization.id } }),
      await t.ask('POST', '/organizations', { as: token, body: { name: 'x' } }),
      await t.ask('POST', '/invites/hvi_x/accept', { as: token }),
      await t.ask('POST', '/auth/sign-out', { as: token }),
      await create(organization, token),
    ];
    for (const { body } of answers) expect(body).toMatchObject({ status: 403, code: 'session_required' });
  });

  it('are made by every member, up to their role', async () => {
    const organization = await t.organization();
    const viewer = await t.member(organization, 'viewer');
    const developer = await t.member(organization, 'developer');
    expect((await create(organization, viewer)).body).toMatchObject({ role: 'viewer' });
    expect((await create(organization, viewer, { name: 'x', role: 'developer' })).status).toBe(403);
    expect((await create(organization, developer, { name: 'x', role: 'viewer' })).body).toMatchObject({
      role: 'viewer',
    });
    expect((await create(organization, developer, { name: 'x', role: 'admin' })).status).toBe(403);
  });

  it('have the lower of their own role and the present one of their member', async () => {
    const organization = await t.organization();
    const admin = await t.member(organization, 'admin');
    const token = await tokenOf(organization, admin);
    const members = `/organizations/${organization.id}/members/${admin.id}`;
    expect((await t.ask('GET', '/registry-credentials', { as: token })).status).toBe(200);
    await expectStatus(t.ask('PATCH', members, { as: organization.owner, body: { role: 'viewer' } }), 200);
    expect((await t.ask('GET', '/registry-credentials', { as: token })).status).toBe(403);
    expect((await t.ask('GET', '/me', { as: token })).body['token']).toMatchObject({ role: 'viewer' });
    // A higher role of the member does not lift the token above its own.
    await expectStatus(t.ask('PATCH', members, { as: organization.owner, body: { role: 'owner' } }), 200);
    expect((await t.ask('GET', '/me', { as: token })).body['token']).toMatchObject({ role: 'admin' });
    await expectStatus(t.ask('DELETE', members, { as: organization.owner }), 204);
    expect((await t.ask('GET', '/me', { as: token })).status).toBe(401);
  });

  it('are one’s own business, or an admin’s (conformance 10)', async () => {
    const organization = await t.organization();
    const developer = await t.member(organization, 'developer');
    const other = await t.member(organization, 'developer');
    const mine = await tokenOf(organization, developer);
    const theirs = await tokenOf(organization, other);
    const path = `/organizations/${organization.id}/tokens`;
    const list = async (as: TestUser): Promise<string[]> => {
      const { body } = await t.ask('GET', path, { as });
      return (body['items'] as { id: string }[]).map(({ id }) => id);
    };
    expect(await list(developer)).toEqual([mine.id]);
    expect(new Set(await list(organization.owner))).toEqual(new Set([mine.id, theirs.id]));
    expect((await t.ask('DELETE', `${path}/${theirs.id}`, { as: developer })).status).toBe(403);
    expect((await t.ask('DELETE', `${path}/nonsense`, { as: developer })).status).toBe(404);
    expect((await t.ask('GET', '/me', { as: theirs })).status).toBe(200);
    await expectStatus(t.ask('DELETE', `${path}/${theirs.id}`, { as: organization.owner }), 204);
    expect((await t.ask('GET', '/me', { as: theirs })).status).toBe(401);
    await expectStatus(t.ask('DELETE', `${path}/${mine.id}`, { as: developer }), 204);
    expect((await t.ask('GET', '/me', { as: mine })).status).toBe(401);
  });

  it('expire, and say when they were used', async () => {
    const organization = await t.organization();
    const token = await tokenOf(organization, organization.owner);
    await expectStatus(t.ask('GET', '/me', { as: token }), 200);
    await expect
      .poll(async () => {
        const { body } = await t.ask('GET', `/organizations/${organization.id}/tokens`, { as: organization.owner });
        return (body['items'] as { last_used_at: string | null }[])[0]?.last_used_at;
      })
      .not.toBeNull();
    const old = await tokenOf(organization, organization.owner);
    await t.db.updateTable('api_token').set({ expires_at: new Date() }).where('id', '=', old.id).execute();
    expect((await t.ask('GET', '/me', { as: old })).status).toBe(401);
  });
});

describe('registry credentials', () => {
  const body = { server: 'registry.example.com:5000', username: 'robot', password: 'sécret-of-the-registry' };

  it('go in, and come out only for the worker', async () => {
    const organization = await t.organization();
    const as = organization.owner;
    const made = await expectStatus(t.ask('POST', '/registry-credentials', { as, body }), 201);
    const list = await t.ask('GET', '/registry-credentials', { as });
    expect(list.body).toEqual({ items: [made.body], next_cursor: null });
    expect(JSON.stringify([made.body, list.body])).not.toContain('password');
    const row = await t.db
      .selectFrom('registry_credential')
      .selectAll()
      .where('organization_id', '=', organization.id)
      .executeTakeFirstOrThrow();
    expect(row.password_encrypted.toString()).not.toContain(body.password);
    const scope = { organizationId: organization.id };
    expect(await registryCredentialFor(t.db, scope, body.server, t.secretKey)).toEqual({
      username: 'robot',
      password: body.password,
    });
    expect(await registryCredentialFor(t.db, scope, 'other.example.com', t.secretKey)).toBeNull();
    const { id: elsewhere } = await t.organization();
    expect(await registryCredentialFor(t.db, { organizationId: elsewhere }, body.server, t.secretKey)).toBeNull();
  });

  it('are one for each registry, and Docker Hub is one under all its names', async () => {
    const { owner: as, id } = await t.organization();
    const add = (server: string) => t.ask('POST', '/registry-credentials', { as, body: { ...body, server } });
    expect((await add('https://index.docker.io/v1/')).body).toMatchObject({ server: 'docker.io' });
    expect((await add('docker.io')).body).toMatchObject({ status: 409, code: 'name_taken' });
    const scope = { organizationId: id };
    expect(await registryCredentialFor(t.db, scope, 'registry-1.docker.io', t.secretKey)).not.toBeNull();
    for (const server of ['a b', 'x/y/z', '', 'a\u0000']) {
      expect((await add(server)).body).toMatchObject({ status: 400, errors: [{ field: 'server' }] });
    }
  });

  it('are for admins, and of one organization', async () => {
    const organization = await t.organization();
    const made = await t.ask('POST', '/registry-credentials', { as: organization.owner, body });
    const path = `/registry-credentials/${made.body['id']}`;
    const developer = await t.member(organization, 'developer');
    expect((await t.ask('GET', '/registry-credentials', { as: developer })).status).toBe(403);
    expect((await t.ask('POST', '/registry-credentials', { as: developer, body })).status).toBe(403);
    expect((await t.ask('DELETE', path, { as: developer })).status).toBe(403);
    const { owner: stranger } = await t.organization();
    expect((await t.ask('DELETE', path, { as: stranger })).status).toBe(404);
    await expectStatus(t.ask('DELETE', path, { as: organization.owner }), 204);
    expect((await t.ask('DELETE', path, { as: organization.owner })).status).toBe(404);
  });
});
