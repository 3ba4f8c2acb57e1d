/** Webhooks against a real receiver on 127.0.0.1, which the service of these tests is allowed to reach. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, newMember, newOwner, type Page, type Problem, until } from '../conformance/client.ts';
import { isSignedWith, type Receiver, startReceiver } from '../support/receiver.ts';
import { spawnTestService, startTestService, type TestService } from '../support/service.ts';

interface Webhook {
  id: string;
  url: string;
  enabled: boolean;
  disabled_reason: string | null;
  failing_since: string | null;
  secret: string;
}
interface Delivery {
  id: string;
  event_type: string;
  status: string;
  attempts: number;
  response_code: number | null;
  error: string | null;
  next_attempt_at: string | null;
  body: string;
}

/** For so long, at least, nobody else sends what somebody sends. */
const claimMs = 10_000;

let service: TestService;
let receiver: Receiver;
let owner: Client;

beforeAll(async () => {
  receiver = await startReceiver();
  service = await startTestService({ config: { webhookAllow: ['127.0.0.1'] } });
  owner = await newOwner(service.url);
});
afterAll(async () => {
  await service.stop();
  await receiver.close();
});

const urlOf = (path: string, host = '127.0.0.1') => `http://${host}:${receiver.port}${path}`;

function create(client: Client, path: string, body: Record<string, unknown> = {}): Promise<Webhook> {
  return client.call<Webhook>('POST', '/webhooks', { url: urlOf(path), ...body });
}

function deliveriesOf(client: Client, { id }: Webhook, query = ''): Promise<Delivery[]> {
  return client.all<Delivery>(`/webhooks/${id}/deliveries${query}`);
}

async function untilDelivery(client: Client, hook: Webhook, wanted: (one: Delivery) => boolean): Promise<Delivery> {
  return until('a delivery is as it should be', async () => (await deliveriesOf(client, hook)).find(wanted));
}

const job = (clusterId: string) => ({
  cluster_id: clusterId,
  docker_image: 'simulated/job',
  ram_required: 1,
  cpu_required: 1,
  env: { SIM_RUN_MS: '1' },
});

test('the events of a life are told once each, in the words of the API, and signed', async () => {
  const cluster = await owner.createCluster();
  const hook = await create(owner, '/life', { event_types: ['deployment.*'], cluster_ids: [cluster.id] });
  const elsewhere = await owner.createCluster();
  await owner.call('POST', '/deployments', job(elsewhere.id));
  const { id } = await owner.call<{ id: string }>('POST', '/deployments', job(cluster.id));
  await owner.became(id, 'succeeded');
  const events = await until('all are told', async () => {
    await service.eventsTold();
    const all = await owner.eventsOf(id);
    const told = receiver.on('/life').length;
    return told >= all.length && (await deliveriesOf(owner, hook, '?status=pending')).length === 0 && all;
  });
  const told = receiver.on('/life');
  expect(told.map(({ message }) => message.data).toSorted(byId)).toEqual(events.toSorted(byId));
  expect(new Set(told.map((one) => one.id)).size).toBe(told.length);
  for (const one of told) {
    expect(isSignedWith(one, hook.secret)).toBe(true);
    expect(isSignedWith(one, `whsec_${Buffer.alloc(32).toString('base64')}`)).toBe(false);
    expect(one.headers['content-type']).toBe('application/json');
    expect(one.message).toMatchObject({ type: one.message.data['type'], timestamp: one.message.data['created_at'] });
  }
  const [last] = await deliveriesOf(owner, hook);
  expect(last).toMatchObject({
    status: 'succeeded',
    attempts: 1,
    response_code: 204,
    error: null,
    next_attempt_at: null,
  });
});

function byId(a: Record<string, unknown>, b: Record<string, unknown>): number {
  return String(a['id']) < String(b['id']) ? -1 : 1;
}

test('what fails is tried again with the same id and body, and says why', async () => {
  let refuses = true;
  receiver.answer = (one, response) => {
    response.writeHead(refuses && one.path === '/flaky' ? 500 : 200).end('whatever');
  };
  const hook = await create(owner, '/flaky', { event_types: ['cluster.created'] });
  await owner.createCluster();
  const failing = await untilDelivery(
    owner,
    hook,
    ({ attempts, response_code }) => attempts >= 1 && response_code === 500,
  );
  expect(failing).toMatchObject({ status: 'pending', error: 'answered with 500, and not with 2xx' });
  expect(Date.parse(failing.next_attempt_at ?? '')).toBeGreaterThan(Date.now() - 60_000);
  expect((await owner.get<Webhook>(`/webhooks/${hook.id}`)).failing_since).not.toBeNull();
  refuses = false;
  const { attempts } = await untilDelivery(owner, hook, (one) => one.attempts >= 2 && one.status === 'succeeded');
  const told = receiver.on('/flaky');
  expect(told.length).toBeGreaterThanOrEqual(2);
  expect(told.length).toBeLessThanOrEqual(attempts);
  expect(new Set(told.map(({ id, body }) => `${id} ${body}`)).size).toBe(1);
  expect((await owner.get<Webhook>(`/webhooks/${hook.id}`)).failing_since).toBeNull();
});

test('a receiver that never answers holds up nobody else', async () => {
  // Each is given up after a while, and tried again.
  const held = new Set<ServerResponse>();
  let most = 0;
  receiver.answer = (one, response) => {
    if (one.path !== '/slow') return void response.writeHead(204).end();
    held.add(response);
    response.once('close', () => held.delete(response));
    most = Math.max(most, held.size);
  };
  const slow = await create(owner, '/slow', { event_types: ['cluster.created'] });
  await create(owner, '/quick', { event_types: ['cluster.created'] });
  for (let i = 0; i < 8; i += 1) await owner.createCluster();
  await until('the quick one was told of all', async () => receiver.on('/quick').length === 8);
  expect((await deliveriesOf(owner, slow, '?status=succeeded')).length).toBe(0);
  expect(most).toBeLessThanOrEqual(4);
  await owner.call('DELETE', `/webhooks/${slow.id}`);
  for (const response of held) response.writeHead(204).end();
});

describe('a test', () => {
  test('is sent once, and its result is there to read', async () => {
    const hook = await create(owner, '/test', { enabled: false });
    receiver.answer = (_one, response) => response.writeHead(503).end();
    const sent = await owner.call<Delivery>('POST', `/webhooks/${hook.id}/test`);
    const ended = await untilDelivery(owner, hook, ({ id, status }) => id === sent.id && status === 'failed');
    expect(ended).toMatchObject({ event_type: 'webhook.test', attempts: 1, response_code: 503 });
    const [told] = receiver.on('/test');
    expect(isSignedWith(told!, hook.secret)).toBe(true);
    const { body } = await owner.get<Delivery>(`/webhooks/${hook.id}/deliveries/${sent.id}`);
    expect(body).toBe(told!.body);
    // What failed was the test and not the webhook.
    expect((await owner.get<Webhook>(`/webhooks/${hook.id}`)).failing_since).toBeNull();
  });

  test('of what redirects, says that redirects are not followed', async () => {
    const hook = await create(owner, '/moved', { enabled: false });
    receiver.answer = (_one, response) => response.writeHead(302, { location: urlOf('/elsewhere') }).end();
    await owner.call('POST', `/webhooks/${hook.id}/test`);
    const { error } = await untilDelivery(owner, hook, ({ status }) => status === 'failed');
    expect(error).toContain('redirects are not followed');
    expect(receiver.on('/elsewhere')).toEqual([]);
  });

  test('is over once the status is there, however much is answered', async () => {
    const hook = await create(owner, '/endless', { enabled: false });
    receiver.answer = (_one, response) => {
      response.writeHead(200);
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    };
    await owner.call('POST', `/webhooks/${hook.id}/test`);
    await untilDelivery(owner, hook, ({ status }) => status === 'succeeded');
  });
});

test('a delivery is sent again on request, with the same id', async () => {
  receiver.answer = (_one, response) => response.writeHead(204).end();
  const hook = await create(owner, '/again', { event_types: ['cluster.created'] });
  await owner.createCluster();
  const { id } = await untilDelivery(owner, hook, ({ status }) => status === 'succeeded');
  await owner.call('POST', `/webhooks/${hook.id}/deliveries/${id}/redeliver`);
  const told = await until('it came twice', async () => receiver.on('/again').length === 2 && receiver.on('/again'));
  expect(told[1]).toMatchObject({ id, body: told[0]!.body });
  await owner.call('PATCH', `/webhooks/${hook.id}`, { enabled: false });
  const refused = await owner.refused(409, 'POST', `/webhooks/${hook.id}/deliveries/${id}/redeliver`);
  expect(refused.code).toBe('webhook_disabled');
});

test('a new secret signs beside the one before', async () => {
  const hook = await create(owner, '/rotated', { enabled: false });
  const { secret } = await owner.call<Webhook>('POST', `/webhooks/${hook.id}/rotate-secret`);
  expect(secret).not.toBe(hook.secret);
  await owner.call('POST', `/webhooks/${hook.id}/test`);
  await untilDelivery(owner, hook, ({ status }) => status === 'succeeded');
  const [told] = receiver.on('/rotated');
  expect([isSignedWith(told!, hook.secret), isSignedWith(told!, secret)]).toEqual([true, true]);
  // Its day is over.
  await service.sql(`update webhook set previous_secret_until = now() - interval '1 s' where id = $1`, [hook.id]);
  await owner.call('POST', `/webhooks/${hook.id}/test`);
  const second = await until('the second test came', async () => receiver.on('/rotated')[1]);
  expect([isSignedWith(second, hook.secret), isSignedWith(second, secret)]).toEqual([false, true]);
});

test('a disabled one is told of nothing, and of what happens from then on when it is enabled again', async () => {
  const hook = await create(owner, '/paused', { event_types: ['cluster.created'], enabled: false });
  await owner.createCluster();
  await service.eventsTold();
  await owner.call('PATCH', `/webhooks/${hook.id}`, { enabled: true });
  const { id } = await owner.createCluster();
  const [told] = await until('it is told', async () => receiver.on('/paused').length > 0 && receiver.on('/paused'));
  expect(told!.message.data['cluster_id']).toBe(id);
});

const disabled = async (client: Client, hook: Webhook) =>
  until('it is disabled', async () => {
    const now = await client.get<Webhook>(`/webhooks/${hook.id}`);
    return !now.enabled && now;
  });

describe('a webhook is disabled by itself, with an event', () => {
  test('after days without anything that came through', async () => {
    const client = await newOwner(service.url);
    const watcher = await create(client, '/watcher', { event_types: ['webhook.disabled'] });
    receiver.answer = (one, response) => response.writeHead(one.path === '/dead' ? 500 : 204).end();
    const hook = await create(client, '/dead', { event_types: ['cluster.created'] });
    await service.sql(`update webhook set failing_since = now() - interval '4 days' where id = $1`, [hook.id]);
    await client.createCluster();
    expect((await disabled(client, hook)).disabled_reason).toBe('nothing has come through for 3 days');
    const [told] = await until('the other one is told', async () => {
      const all = receiver.on('/watcher');
      return all.length > 0 && all;
    });
    expect(told!.message.data['data']).toMatchObject({ webhook_id: hook.id });
    expect((await deliveriesOf(client, watcher)).length).toBe(1);
  });

  test('where it answers that it wants no more', async () => {
    const client = await newOwner(service.url);
    receiver.answer = (_one, response) => response.writeHead(410).end();
    const hook = await create(client, '/gone', { event_types: ['cluster.created'] });
    await client.createCluster();
    expect((await disabled(client, hook)).disabled_reason).toContain('410');
    receiver.answer = (_one, response) => response.writeHead(204).end();
  });
});

describe('internal addresses', () => {
  test('are refused at once where the URL names one', async () => {
    for (const url of ['http://127.0.0.2/', 'http://10.0.0.1/', 'http://[::1]/', 'http://169.254.169.254/']) {
      const problem = await owner.refused(400, 'POST', '/webhooks', { url });
      expect(problem.errors?.[0]).toMatchObject({ field: 'url' });
      expect(problem.errors?.[0]?.message).toContain('internal address');
    }
  });

  test('are refused when it comes to connect, where a name leads to one', async () => {
    const strict = await startTestService();
    try {
      const client = await newOwner(strict.url);
      const hook = await client.call<Webhook>('POST', '/webhooks', { url: urlOf('/inside', 'localhost') });
      await client.call('POST', `/webhooks/${hook.id}/test`);
      const { error } = await untilDelivery(client, hook, ({ status }) => status === 'failed');
      expect(error).toContain('was not asked: it leads to an internal address (loopback)');
      expect(receiver.on('/inside')).toEqual([]);
    } finally {
      await strict.stop();
    }
  });

  test('are reached by a name where the operator allows them', async () => {
    const hook = await owner.call<Webhook>('POST', '/webhooks', { url: urlOf('/named', 'localhost'), enabled: false });
    await owner.call('POST', `/webhooks/${hook.id}/test`);
    await untilDelivery(owner, hook, ({ status }) => status === 'succeeded');
    expect(receiver.on('/named')).toHaveLength(1);
  });
});

describe('whose they are', () => {
  test('only admins see them, and only those of their own organization', async () => {
    const hook = await create(owner, '/mine', { enabled: false });
    const developer = await newMember(owner, 'developer');
    expect((await developer.refused(403, 'GET', '/webhooks')).code).toBe('role_too_low');
    expect((await developer.refused(403, 'POST', '/webhooks', { url: urlOf('/x') })).code).toBe('role_too_low');
    const other = await newOwner(service.url);
    expect((await other.get<Page<Webhook>>('/webhooks')).items).toEqual([]);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/test'],
      ['POST', '/rotate-secret'],
      ['GET', '/deliveries'],
    ] as const) {
      await other.refused(404, method, `/webhooks/${hook.id}${path}`);
    }
    await other.refused(404, 'PATCH', `/webhooks/${hook.id}`, { enabled: true });
    await other.createCluster();
    await owner.createCluster();
  });

  test('their secrets are shown once, and stand in no answer, event or row', async () => {
    const hook = await create(owner, '/secret?token=t0psecret', { enabled: false });
    const shown = JSON.stringify([await owner.get('/webhooks'), await owner.all('/events')]);
    expect(shown).not.toContain(hook.secret);
    expect(JSON.stringify(await owner.all('/events'))).not.toContain('t0psecret');
    const rows = await service.sql('select t::text from webhook t where id = $1', [hook.id]);
    expect(JSON.stringify(rows)).not.toContain(hook.secret);
    const hex = Buffer.from(hook.secret).toString('hex');
    expect(JSON.stringify(rows)).not.toContain(hex);
  });

  test('there are at most so many', async () => {
    const client = await newOwner(service.url);
    for (let i = 0; i < 20; i += 1) await create(client, `/many-${i}`, { enabled: false });
    const problem = await client.refused(409, 'POST', '/webhooks', { url: urlOf('/one-more') });
    expect(problem.code).toBe('too_many_webhooks');
  });
});

test('killed between sending and noting, it is sent again with the same id: nothing is lost', async () => {
  const killed = await spawnTestService({ config: { webhookAllow: ['127.0.0.1'] } });
  try {
    const client = await newOwner(killed.url);
    const hook = await create(client, '/killed', { event_types: ['cluster.created'] });
    // It comes, and is not answered: the process dies while it waits.
    receiver.answer = (one, response) => {
      if (one.path !== '/killed') response.writeHead(204).end();
    };
    await client.createCluster();
    await until('it was sent', async () => receiver.on('/killed').length === 1);
    // Of these nothing was told yet when it dies.
    const during = await client.createCluster();
    await killed.kill();
    receiver.answer = (_one, response) => response.writeHead(204).end();
    await killed.restart();
    await until(
      'all have come through',
      async () => (await deliveriesOf(client, hook, '?status=succeeded')).length === 2,
    );
    const [first] = receiver.on('/killed');
    const again = receiver.on('/killed').filter(({ id }) => id === first!.id);
    expect(again.length).toBeGreaterThanOrEqual(2);
    expect(again.every(({ body }) => body === first!.body)).toBe(true);
    const clusters = new Set(receiver.on('/killed').map(({ message }) => message.data['cluster_id']));
    expect(clusters.has(during.id)).toBe(true);
    expect(clusters.size).toBe(2);
    const { attempts } = (await deliveriesOf(client, hook)).find(({ id }) => id === first!.id)!;
    expect(attempts).toBeGreaterThanOrEqual(2);
  } finally {
    await killed.stop();
  }
});

test('one event is told once, whoever else looks at the log at the same time', async () => {
  receiver.answer = (_one, response) => response.writeHead(204).end();
  // Two control planes on one database, with the same key: what one can't decrypt, it can't sign.
  const dataDir = await mkdtemp(join(tmpdir(), 'hv-test-'));
  await copyFile(join(service.config.dataDir ?? '', 'secret.key'), join(dataDir, 'secret.key'));
  const second = await startTestService({
    config: { webhookAllow: ['127.0.0.1'], databaseUrl: service.databaseUrl, dataDir },
  });
  try {
    const hook = await create(owner, '/both', { event_types: ['cluster.created'] });
    const began = performance.now();
    for (let i = 0; i < 30; i += 1) await owner.createCluster();
    await until(
      'all are told',
      async () => (await deliveriesOf(owner, hook, '?status=succeeded&limit=1000')).length === 30,
    );
    const told = receiver.on('/both');
    const isQuick = performance.now() - began < claimMs;
    expect(new Set(told.map(({ message }) => message.data['id'])).size).toBe(30);
    const deliveries = await deliveriesOf(owner, hook);
    expect(new Set(told.map(({ id }) => id))).toEqual(new Set(deliveries.map(({ id }) => id)));
    // Where everything took so long that an attempt may have been given up for lost, it was counted as another one.
    const attempts = deliveries.reduce((sum, one) => sum + one.attempts, 0);
    expect(told.length).toBeLessThanOrEqual(attempts);
    if (isQuick) expect(attempts).toBe(30);
  } finally {
    await second.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});

test('what is wrong is named', async () => {
  const refusals: [Record<string, unknown>, string][] = [
    [{ url: 'example.com' }, 'url'],
    [{ url: urlOf('/x'), event_types: ['deployments'] }, 'event_types.0'],
    [{ url: urlOf('/x'), cluster_ids: ['nowhere'] }, 'cluster_ids.0'],
  ];
  for (const [body, field] of refusals) {
    const problem = await owner.refused(400, 'POST', '/webhooks', body);
    expect(problem.errors?.map((one: NonNullable<Problem['errors']>[number]) => one.field)).toEqual([field]);
  }
});
