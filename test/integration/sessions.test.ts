/** Where an account is signed in, and signing out elsewhere. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../support/api.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
beforeAll(async () => {
  test = await startTestApi();
});
afterAll(() => test.close());

it('lists the sessions of an account, and ends those that are not wanted', async () => {
  const user = await test.user();
  const body = { username: user.username, password: user.password };
  const headers = { 'user-agent': `Firefox ${'x'.repeat(400)}` };
  const other = { token: String((await test.ask('POST', '/auth/sign-in', { body, headers })).body['token']) };
  expect((await test.ask('GET', '/me', { as: other })).status).toBe(200);
  const list = async () => itemsOf((await test.ask('GET', '/me/sessions', { as: user })).body);
  await expect.poll(async () => (await list())[0]['last_used_at']).toEqual(expect.any(String));
  const sessions = await list();
  expect(sessions).toMatchObject([{ current: false }, { current: true }]);
  expect(sessions[0]['user_agent']).toMatch(/^Firefox x{292}$/);

  const stranger = await test.user();
  const end = (as: { token: string }, id: string) => test.ask('DELETE', `/me/sessions/${id}`, { as });
  expect((await end(stranger, sessions[0]['id'])).status).toBe(404);
  expect((await end(user, 'nonsense')).status).toBe(404);
  expect((await end(user, sessions[0]['id'])).status).toBe(204);
  expect((await test.ask('GET', '/me', { as: other })).status).toBe(401);
  expect(await list()).toMatchObject([{ current: true }]);
});
