/** What a pass decided in detail is kept for a week; that it took place, and whom it admitted, for longer. */
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Scheduler, startScheduler } from '../../src/control/scheduler.ts';
import { removeExpired } from '../../src/store/expired.ts';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let scheduler: Scheduler;
let user: TestUser;
let clusterId: string;

beforeAll(async () => {
  test = await startTestApi({
    control: { ...fakeControl(), schedule: (id, options) => scheduler.schedule(id, options) },
  });
  scheduler = startScheduler({ db: test.db, log: pino({ level: 'fatal' }), onAdmitted: () => undefined });
  await scheduler.close();
  user = (await test.organization()).owner;
  const body = { name: 'c', ram: 8, cpu: 8, gpu: 0, runtime: 'simulated' };
  clusterId = String((await test.ask('POST', '/clusters', { as: user, body })).body['id']);
});
afterAll(() => test.close());

const age = (days: number) =>
  test.db
    .updateTable('pass_waiting')
    .set({ created_at: new Date(Date.now() - days * 86_400_000) })
    .execute();

it('is there for a week, and then only the pass itself', async () => {
  for (const [name, priority] of [
    ['first', 1],
    ['second', 2],
  ] as const) {
    const body = { cluster_id: clusterId, docker_image: 'busybox', ram_required: 8, cpu_required: 1, name, priority };
    expect((await test.ask('POST', '/deployments', { as: user, body })).status).toBe(201);
  }
  const { body: decided } = await test.ask('POST', `/clusters/${clusterId}/schedule`, { as: user });
  const path = `/passes/${decided['pass_id']}`;
  const whole = {
    queued: 2,
    admitted: 1,
    admissions: [{ name: 'first' }],
    waiting: [{ name: 'second', reason: 'insufficient_resources' }],
    waiting_counted: 1,
  };
  await age(6.9);
  await removeExpired(test.db);
  expect((await test.ask('GET', path, { as: user })).body).toMatchObject(whole);

  await age(7.1);
  await removeExpired(test.db);
  const later = await test.ask('GET', path, { as: user });
  expect(later.status).toBe(200);
  expect(later.body).toMatchObject({ ...whole, waiting: [], waiting_reasons: [], waiting_counted: 0 });
  const { body: passes } = await test.ask('GET', `/clusters/${clusterId}/passes`, { as: user });
  expect(itemsOf(passes)).toMatchObject([{ id: decided['pass_id'], queued: 2, admitted: 1 }]);
});
