import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryCredentialFor } from '../../src/store/registry-credentials.ts';
import { isSealedWith } from '../../src/store/secrets/crypto.ts';
import { type Keyring, makeKeyring } from '../../src/store/secrets/keyring.ts';
import { encryptedColumns, reEncrypt } from '../../src/store/secrets/re-encrypt.ts';
import { secretValues } from '../../src/store/secrets.ts';
import { expectStatus, startTestApi, type TestApi, type TestUser } from '../support/api.ts';

let t: TestApi;
beforeAll(async () => {
  t = await startTestApi();
});
afterAll(() => t.close());

const value = 'open-sesame-7391';

async function valueOf(organizationId: string, name: string, keys: Keyring = t.secretKey): Promise<string | undefined> {
  return (await secretValues(t.db, { organizationId }, [name], keys)).get(name)?.toString('utf8');
}

function create(as: TestUser, name: string, body: object = { value }) {
  return t.ask('POST', '/secrets', { as, body: { name, ...body } });
}

describe('secrets', () => {
  it('go in, and come out only for the worker', async () => {
    const { id, owner: as } = await t.organization();
    const made = await expectStatus(create(as, 'db'), 201);
    expect(made.body).toMatchObject({ name: 'db', version: 1, created_by: as.id });
    const list = await expectStatus(t.ask('GET', '/secrets', { as }), 200);
    expect(list.body).toEqual({ items: [made.body], next_cursor: null });
    const one = await expectStatus(t.ask('GET', '/secrets/db', { as }), 200);
    const events = await t.db.selectFrom('event').selectAll().execute();
    const rows = await t.db.selectFrom('secret').selectAll().execute();
    const everything =
      JSON.stringify([made.body, list.body, one.body, events]) +
      rows.map((row) => row.value_encrypted.toString('latin1')).join();
    expect(everything).not.toContain(value);
    expect(await valueOf(id, 'db')).toBe(value);
  });

  it('get a new value as their next version', async () => {
    const { id, owner: as } = await t.organization();
    await expectStatus(create(as, 'db'), 201);
    const rotated = await expectStatus(t.ask('PUT', '/secrets/db', { as, body: { value: 'second' } }), 200);
    expect(rotated.body).toMatchObject({ name: 'db', version: 2 });
    expect(await valueOf(id, 'db')).toBe('second');
    expect((await t.ask('PUT', '/secrets/none', { as, body: { value } })).body).toMatchObject({ code: 'not_found' });
    expect((await create(as, 'db')).body).toMatchObject({ status: 409, code: 'name_taken' });
  });

  it('hold bytes as well as text', async () => {
    const { id, owner: as } = await t.organization();
    const bytes = Buffer.from([0, 1, 2, 255]);
    await expectStatus(create(as, 'key', { value: bytes.toString('base64'), encoding: 'base64' }), 201);
    expect((await secretValues(t.db, { organizationId: id }, ['key'], t.secretKey)).get('key')).toEqual(bytes);
    for (const wrong of [
      { value: '' },
      { value: 'not base64', encoding: 'base64' },
      { value: 'x'.repeat(65_537) },
      { value: 7 },
    ]) {
      expect((await create(as, 'wrong', wrong)).body).toMatchObject({ status: 400, errors: [{ field: 'value' }] });
    }
  });

  it('are managed by admins, listed by developers, and unknown to others', async () => {
    const organization = await t.organization();
    const [admin, developer, viewer] = await Promise.all(
      ['admin', 'developer', 'viewer'].map((role) => t.member(organization, role)),
    );
    await expectStatus(create(admin!, 'db'), 201);
    for (const as of [developer!, viewer!]) {
      expect((await create(as, 'mine')).status).toBe(403);
      expect((await t.ask('PUT', '/secrets/db', { as, body: { value } })).status).toBe(403);
      expect((await t.ask('DELETE', '/secrets/db', { as })).status).toBe(403);
    }
    expect((await t.ask('GET', '/secrets', { as: developer! })).status).toBe(200);
    expect((await t.ask('GET', '/secrets', { as: viewer! })).status).toBe(403);
    const { owner: stranger } = await t.organization();
    expect((await t.ask('GET', '/secrets', { as: stranger })).body).toMatchObject({ items: [] });
    for (const method of ['GET', 'DELETE'] as const) {
      expect((await t.ask(method, '/secrets/db', { as: stranger })).status).toBe(404);
    }
    expect((await t.ask('PUT', '/secrets/db', { as: stranger, body: { value } })).status).toBe(404);
  });

  it('are not deleted while a deployment refers to them, unless forced', async () => {
    const { owner: as } = await t.organization();
    const cluster = await expectStatus(
      t.ask('POST', '/clusters', { as, body: { name: 'c', ram: 1, cpu: 1, gpu: 0, runtime: 'simulated' } }),
      201,
    );
    const body = {
      cluster_id: cluster.body['id'],
      name: 'needs-it',
      docker_image: 'simulated/job',
      ram_required: 1,
      cpu_required: 1,
      secrets: [{ name: 'db', env: 'DB' }],
    };
    expect((await t.ask('POST', '/deployments', { as, body })).body).toMatchObject({
      status: 422,
      code: 'unknown_name',
      errors: [{ field: 'secrets.0.name' }],
    });
    await expectStatus(create(as, 'db'), 201);
    await expectStatus(create(as, 'db2'), 201);
    const made = await expectStatus(t.ask('POST', '/deployments', { as, body }), 201);
    expect(made.body['secrets']).toEqual([{ name: 'db', env: 'DB' }]);
    await expectStatus(t.ask('DELETE', '/secrets/db2', { as }), 204);
    const refused = await t.ask('DELETE', '/secrets/db', { as });
    expect(refused.body).toMatchObject({ status: 409, code: 'secret_in_use' });
    expect(refused.body['detail']).toContain('needs-it');
    await expectStatus(t.ask('DELETE', '/secrets/db?force=true', { as }), 204);
    await expectStatus(create(as, 'db'), 201);
    await expectStatus(t.ask('POST', `/deployments/${made.body['id']}/cancel`, { as }), 200);
    await expectStatus(t.ask('DELETE', '/secrets/db', { as }), 204);
  });
});

describe('the key of the installation', () => {
  it('is changed with all that it encrypted, in every column that holds such', async () => {
    const { rows } = await sql<{ name: string }>`
      select table_name || '.' || column_name as name from information_schema.columns
       where table_schema = 'public' and data_type = 'bytea' and column_name like '%encrypted%' order by 1`.execute(
      t.db,
    );
    expect(encryptedColumns.map(({ table, column }) => `${table}.${column}`).toSorted()).toEqual(
      rows.map(({ name }) => name),
    );

    const { id, owner: as } = await t.organization();
    await expectStatus(create(as, 'db'), 201);
    const credential = { server: 'registry.example.com', username: 'robot', password: 'registry-sesame' };
    await expectStatus(t.ask('POST', '/registry-credentials', { as, body: credential }), 201);
    const before = t.secretKey.current;
    expect((await t.ask('POST', '/secret-key/change', { as })).body).toMatchObject({ code: 'operator_only' });
    await t.db.updateTable('user').set({ operator: true }).where('id', '=', as.id).execute();
    const operator = await expectStatus(
      t.ask('POST', '/auth/sign-in', { body: { username: as.username, password: as.password } }),
      200,
    );
    const changed = await expectStatus(
      t.ask('POST', '/secret-key/change', { as: { token: operator.body['token'] } }),
      200,
    );
    expect(changed.body['values']).toBeGreaterThanOrEqual(2);
    expect(t.secretKey.current.equals(before)).toBe(false);

    // The one before is of no use any more.
    const onlyNew = makeKeyring(t.secretKey.current);
    expect(await valueOf(id, 'db', onlyNew)).toBe(value);
    expect(await registryCredentialFor(t.db, { organizationId: id }, credential.server, onlyNew)).toMatchObject({
      password: credential.password,
    });
    const sealed = await t.db.selectFrom('secret').select('value_encrypted').execute();
    expect(sealed.every((row) => isSealedWith(row.value_encrypted, t.secretKey.current))).toBe(true);
    expect(await reEncrypt(t.db, t.secretKey)).toBe(0);
  });

  it('is changed for all or for none: what cannot be decrypted is named, and nothing is written', async () => {
    const { id, owner: as } = await t.organization();
    await expectStatus(create(as, 'good'), 201);
    await expectStatus(create(as, 'lost'), 201);
    await sql`update secret set value_encrypted = '\\x0102' where organization_id = ${id} and name = 'lost'`.execute(
      t.db,
    );
    const keys = makeKeyring(Buffer.alloc(32, 1), [...t.secretKey.all]);
    await expect(reEncrypt(t.db, keys)).rejects.toThrow(/the secret with the id .* can't be decrypted/);
    const rows = await t.db.selectFrom('secret').select('value_encrypted').execute();
    expect(rows.some((row) => isSealedWith(row.value_encrypted, keys.current))).toBe(false);
    expect(await valueOf(id, 'good')).toBe(value);
    await t.db.deleteFrom('secret').where('name', '=', 'lost').execute();
  });
});

describe('registry credentials', () => {
  it('get another password, and keep their name where none is given', async () => {
    const { id, owner: as } = await t.organization();
    const body = { server: 'registry.example.com', username: 'robot', password: 'first' };
    const made = await expectStatus(t.ask('POST', '/registry-credentials', { as, body }), 201);
    const path = `/registry-credentials/${made.body['id']}`;
    const changed = await expectStatus(t.ask('PUT', path, { as, body: { password: 'second' } }), 200);
    expect(changed.body).toMatchObject({ username: 'robot', server: body.server });
    const scope = { organizationId: id };
    expect(await registryCredentialFor(t.db, scope, body.server, t.secretKey)).toEqual({
      username: 'robot',
      password: 'second',
    });
    await expectStatus(t.ask('PUT', path, { as, body: { username: 'other', password: 'third' } }), 200);
    expect(await registryCredentialFor(t.db, scope, body.server, t.secretKey)).toEqual({
      username: 'other',
      password: 'third',
    });
    const { owner: stranger } = await t.organization();
    expect((await t.ask('PUT', path, { as: stranger, body: { password: 'x' } })).status).toBe(404);
  });
});
