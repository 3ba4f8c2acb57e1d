/** One verb for many deployments. */
import { NIL } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { type FakeControl, fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let control: FakeControl;
let user: TestUser;
let viewer: TestUser;
let clusterId: string;

beforeAll(async () => {
  control = fakeControl();
  test = await startTestApi({ control });
  control.db = test.db;
  const organization = await test.organization();
  user = organization.owner;
  viewer = await test.member(organization, 'viewer');
  const body = { name: 'c', ram: 32, cpu: 8, gpu: 0, runtime: 'simulated' };
  clusterId = String((await test.ask('POST', '/clusters', { as: user, body })).body['id']);
});
afterAll(() => test.close());

async function submit(more: object = {}): Promise<string> {
  const body = { cluster_id: clusterId, docker_image: 'busybox', ram_required: 1, cpu_required: 1, ...more };
  const { status, body: made } = await test.ask('POST', '/deployments', { as: user, body });
  expect(status).toBe(201);
  return String(made['id']);
}

async function setStatus(id: string, status: 'running' | 'succeeded' | 'stopping'): Promise<void> {
  await test.db.updateTable('deployment').set({ status }).where('id', '=', id).execute();
}

const change = (body: object, as = user) => test.ask('POST', '/deployments/bulk', { as, body });
const codes = (body: object) => itemsOf(body as never, 'results').map(({ ok, error }) => (ok ? 'ok' : error['code']));
const statusOf = async (id: string) => (await test.ask('GET', `/deployments/${id}`, { as: user })).body['status'];

it('does to each what the verb would, and says of each of the others why not', async () => {
  const queued = await submit();
  const running = await submit();
  const over = await submit();
  await setStatus(running, 'running');
  await setStatus(over, 'succeeded');
  const { owner: stranger } = await test.organization();
  const ids = [queued, over, running, NIL, 'nonsense', queued.toUpperCase()];
  const foreign = await change({ ids, action: 'cancel' }, stranger);
  expect(codes(foreign.body)).toEqual(['not_found', 'not_found', 'not_found', 'not_found', 'not_found', 'repeated_id']);

  control.stopped.length = 0;
  const { status, body } = await change({ ids, action: 'cancel' });
  expect(status).toBe(200);
  expect(codes(body)).toEqual(['ok', 'illegal_transition', 'ok', 'not_found', 'not_found', 'repeated_id']);
  expect(itemsOf(body, 'results')[0]).toEqual({ id: queued, ok: true, error: null });
  expect(itemsOf(body, 'results')[1]['error']['detail']).toMatch(/Cannot cancel a deployment that is succeeded/);
  expect(await statusOf(queued)).toBe('cancelled');
  expect(await statusOf(running)).toBe('stopping');
  expect(control.stopped).toEqual([{ id: running, attempt: 1 }]);
  const { body: events } = await test.ask('GET', `/deployments/${queued}/events`, { as: user });
  expect(itemsOf(events).at(-1)).toMatchObject({ type: 'deployment.cancelled', actor_id: user.id });

  const again = await change({ ids: [queued, over, running], action: 'retry' });
  expect(codes(again.body)).toEqual(['ok', 'ok', 'illegal_transition']);
  expect(await statusOf(over)).toBe('queued');
  const stopped = await change({ ids: [queued], action: 'stop' });
  expect(codes(stopped.body)).toEqual(['illegal_transition']);
});

it('changes priorities, of what is queued', async () => {
  const first = await submit({ priority: 20 });
  const second = await submit({ priority: 80 });
  const running = await submit();
  await setStatus(running, 'running');
  const { body } = await change({ ids: [first, running, second], action: 'set_priority', priority: 30 });
  expect(codes(body)).toEqual(['ok', 'illegal_transition', 'ok']);
  const { body: events } = await test.ask('GET', `/deployments/${first}/events`, { as: user });
  expect(itemsOf(events).at(-1)).toMatchObject({
    type: 'deployment.priority_changed',
    data: { from: 20, to: 30 },
  });
});

it('deletes what nobody needs who stays', async () => {
  const running = await submit();
  await setStatus(running, 'running');
  const first = await submit({ name: 'first' });
  const second = await submit({ name: 'second', depends_on: [{ deployment: first, condition: 'succeeded' }] });
  const kept = await submit({ name: 'kept' });
  await submit({ name: 'stays', depends_on: [{ deployment: kept, condition: 'succeeded' }] });
  const { body } = await change({ ids: [first, kept, second, running], action: 'delete' });
  expect(codes(body)).toEqual(['ok', 'has_dependents', 'ok', 'ok']);
  expect(itemsOf(body, 'results')[1]['error']['detail']).toMatch(/^stays waits for it/);
  const gone = await test.ask('GET', `/deployments/${second}`, { as: user });
  expect(gone.status).toBe(404);
  expect(await statusOf(running)).toBe('stopping');
});

it('refuses by field what makes no sense, and those who may only look', async () => {
  const ids = [await submit()];
  const wrong = async (body: object) => {
    const answer = await change(body);
    expect(answer.status).toBe(400);
    return itemsOf(answer.body, 'errors').map(({ field }) => field);
  };
  expect(await wrong({ ids, action: 'set_priority' })).toEqual(['priority']);
  expect(await wrong({ ids, action: 'cancel', priority: 3 })).toEqual(['priority']);
  expect(await wrong({ ids, action: 'set_priority', priority: 0 })).toEqual(['priority']);
  expect(await wrong({ ids: [], action: 'stop' })).toEqual(['ids']);
  expect(await wrong({ ids: Array.from({ length: 501 }, () => NIL), action: 'stop' })).toEqual(['ids']);
  expect(await wrong({ ids, action: 'explode' })).toEqual(['action']);
  expect((await change({ ids, action: 'cancel' }, viewer)).status).toBe(403);
});
