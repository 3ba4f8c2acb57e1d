import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { type FakeControl, fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let control: FakeControl;
let admin: TestUser;

beforeAll(async () => {
  control = fakeControl();
  test = await startTestApi({ control });
  control.db = test.db;
  admin = (await test.organization()).owner;
});
afterAll(() => test.close());

const small = { ram: 32, cpu: 8, gpu: 2, runtime: 'simulated' };
let made = 0;

function create(body: object = {}): Promise<Answer> {
  made += 1;
  return test.ask('POST', '/clusters', { as: admin, body: { name: `cluster-${made}`, ...small, ...body } });
}

function fields({ body }: Answer): string[] {
  return itemsOf(body, 'errors').map(({ field }) => String(field));
}

async function allocate(clusterId: string): Promise<string> {
  const { body } = await test.ask('POST', '/deployments', {
    as: admin,
    body: { cluster_id: clusterId, docker_image: 'busybox', ram_required: 2, cpu_required: 1 },
  });
  const { body: nodes } = await test.ask('GET', `/clusters/${clusterId}/nodes`, { as: admin });
  const id = String(body['id']);
  await test.db.updateTable('deployment').set({ status: 'running' }).where('id', '=', id).execute();
  await test.db
    .insertInto('allocation')
    .values({
      deployment_id: id,
      replica: 0,
      attempt: 1,
      cluster_id: clusterId,
      node_id: String(itemsOf(nodes)[0]!['id']),
      ram: 2000,
      cpu: 1000,
      gpu: 0,
    })
    .execute();
  return id;
}

describe('who holds what of a node', () => {
  it('is told to those who ask for it', async () => {
    const { body: cluster } = await create();
    const id = await allocate(String(cluster['id']));
    const nodes = `/clusters/${String(cluster['id'])}/nodes`;
    const { body } = await test.ask('GET', `${nodes}?allocations=true`, { as: admin });
    expect(itemsOf(body)[0]!['allocations']).toMatchObject([
      { deployment_id: id, status: 'running', replica: 0, ram: 2, cpu: 1, gpu: 0, gpu_devices: [] },
    ]);
    const { body: plain } = await test.ask('GET', nodes, { as: admin });
    expect(itemsOf(plain)[0]).not.toHaveProperty('allocations');
  });
});

describe('creating a cluster', () => {
  it('answers with an id, and everything available', async () => {
    const { status, body, headers } = await create();
    expect(status).toBe(201);
    expect(headers['etag']).toBe('"1"');
    expect(body).toMatchObject({ ram: 32, cpu: 8, gpu: 2, status: 'ready', deployments: { queued: 0, active: 0 } });
    expect(body['resources']).toEqual({
      total: { ram: 32, cpu: 8, gpu: 2 },
      allocated: { ram: 0, cpu: 0, gpu: 0 },
      available: { ram: 32, cpu: 8, gpu: 2 },
    });
    const { body: nodes } = await test.ask('GET', `/clusters/${body['id']}/nodes`, { as: admin });
    expect(nodes['items']).toMatchObject([
      { name: 'node-1', gpus: [{ model: 'generic', driver: 'none', allocated: 0 }, { model: 'generic' }] },
    ]);
  });

  it('sums up its nodes', async () => {
    const gpu = { model: 'A100', memory_gb: 80, driver: 'nvidia' };
    const nodes = [
      { name: 'a', ram: 1.5, cpu: 2, gpus: [gpu] },
      { name: 'b', ram: 2.25, cpu: 4 },
    ];
    const { status, body } = await create({ ram: undefined, cpu: undefined, gpu: undefined, nodes });
    expect(status).toBe(201);
    expect(body).toMatchObject({ ram: 3.75, cpu: 6, gpu: 1 });
    const row = await test.db
      .selectFrom('cluster')
      .select(['ram', 'cpu', 'gpu'])
      .where('id', '=', String(body['id']))
      .executeTakeFirst();
    expect(row).toEqual({ ram: '3.750', cpu: '6.000', gpu: '1.000' });
    const { body: page } = await test.ask('GET', `/clusters/${body['id']}/nodes?limit=1`, { as: admin });
    expect(page['items']).toMatchObject([{ name: 'a', gpus: [{ model: 'A100', memory_gb: 80, driver: 'nvidia' }] }]);
    const { body: rest } = await test.ask('GET', `/clusters/${body['id']}/nodes?cursor=${page['next_cursor']}`, {
      as: admin,
    });
    expect(rest).toMatchObject({ items: [{ name: 'b' }], next_cursor: null });
  });

  it('takes 0 GPUs, and names each field that is missing', async () => {
    expect((await create({ gpu: 0 })).status).toBe(201);
    const answer = await create({ ram: undefined, cpu: undefined, gpu: undefined });
    expect(answer.status).toBe(400);
    expect(fields(answer)).toEqual(['ram', 'cpu', 'gpu']);
  });

  it.each([
    [{ ram: -1 }, 'ram'],
    [{ ram: 0 }, 'ram'],
    [{ cpu: '8' }, 'cpu'],
    [{ cpu: 0.0001 }, 'cpu'],
    [{ gpu: 0.5 }, 'gpu'],
    [{ ram: 1e12 }, 'ram'],
    [{ nodes: [{ name: 'a', ram: 1, cpu: 1 }] }, 'ram'],
    [{ ram: undefined, cpu: undefined, gpu: undefined, nodes: [{ name: 'a', ram: 1, cpu: 0 }] }, 'nodes.0.cpu'],
    [
      {
        ram: undefined,
        cpu: undefined,
        gpu: undefined,
        nodes: [
          { name: 'a', ram: 1, cpu: 1 },
          { name: 'a', ram: 1, cpu: 1 },
        ],
      },
      'nodes.1.name',
    ],
  ])('refuses %j, naming %s', async (body, field) => {
    const answer = await create(body);
    expect(answer.status).toBe(400);
    expect(fields(answer)).toContain(field);
  });

  it('refuses a name twice, in either case', async () => {
    expect((await create({ name: 'Twice' })).status).toBe(201);
    const answer = await create({ name: 'twice' });
    expect(answer.status).toBe(409);
    expect(answer.body['code']).toBe('name_taken');
  });
});

describe('reading and changing a cluster', () => {
  it('hides those of other organizations', async () => {
    const { body } = await create();
    const stranger = (await test.organization()).owner;
    for (const path of ['', '/nodes', '/queue', '/passes']) {
      expect((await test.ask('GET', `/clusters/${body['id']}${path}`, { as: stranger })).status).toBe(404);
    }
    expect((await test.ask('GET', '/clusters', { as: stranger })).body['items']).toEqual([]);
    expect((await test.ask('DELETE', `/clusters/${body['id']}`, { as: stranger })).status).toBe(404);
    expect((await test.ask('GET', '/clusters/nonsense', { as: admin })).status).toBe(404);
  });

  it('changes name and policy if the version still is the one that was read', async () => {
    const { body } = await create();
    const path = `/clusters/${body['id']}`;
    const policy = { aging_interval_s: 0.5 };
    const changed = await test.ask('PATCH', path, { as: admin, body: { policy }, headers: { 'if-match': '"1"' } });
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    const preemption = { enabled: false, min_run_time_s: 300 };
    const unchanged = {
      reservation_after_s: 7200,
      backfill: 'largest_set',
      lost_after_s: 300,
      retention_s: 2_592_000,
      preemption,
    };
    expect(changed.body['policy']).toEqual({ aging_interval_s: 0.5, ...unchanged });
    expect(control.woken).toContain(body['id']);
    const stale = await test.ask('PATCH', path, { as: admin, body: { name: 'x' }, headers: { 'if-match': '"1"' } });
    expect(stale).toMatchObject({ status: 412, body: { code: 'version_mismatch' } });
    const { body: events } = await test.ask('GET', `/events?cluster_id=${body['id']}`, { as: admin });
    expect(itemsOf(events).map(({ type }) => type)).toEqual(['cluster.created', 'cluster.updated']);
  });

  it('takes who goes first as a policy, and names the field where it does not know the value', async () => {
    const { body } = await create({ policy: { backfill: 'learned' } });
    expect(body['policy']).toMatchObject({ backfill: 'learned' });
    const path = `/clusters/${body['id']}`;
    const patch = (backfill: string) => test.ask('PATCH', path, { as: admin, body: { policy: { backfill } } });
    expect((await patch('largest_set')).body['policy']).toMatchObject({ backfill: 'largest_set' });
    const refused = await patch('shortest');
    expect(refused.status).toBe(400);
    expect(itemsOf(refused.body, 'errors')).toEqual([
      { field: 'policy.backfill', message: 'must be one of largest_set, learned' },
    ]);
    expect((await test.ask('GET', path, { as: admin })).body['policy']).toMatchObject({ backfill: 'largest_set' });
  });

  it('adds up, with what is allocated', async () => {
    const { body } = await create();
    await allocate(String(body['id']));
    const { body: cluster } = await test.ask('GET', `/clusters/${body['id']}`, { as: admin });
    expect(cluster).toMatchObject({
      deployments: { queued: 0, active: 1 },
      resources: { allocated: { ram: 2, cpu: 1, gpu: 0 }, available: { ram: 30, cpu: 7, gpu: 2 } },
    });
  });

  it('lists page by page', async () => {
    const { owner } = await test.organization();
    for (const name of ['a', 'b', 'c']) await test.ask('POST', '/clusters', { as: owner, body: { name, ...small } });
    const names: unknown[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await test.ask('GET', `/clusters?limit=1${cursor}`, { as: owner });
      names.push(...itemsOf(body).map(({ name }) => name));
      if (body['next_cursor'] === null) break;
      cursor = `&cursor=${body['next_cursor']}`;
    }
    expect(names).toEqual(['a', 'b', 'c']);
  });
});

describe('nodes', () => {
  it('come and go, and the totals with them', async () => {
    const { body } = await create();
    const path = `/clusters/${body['id']}`;
    const node = { name: 'node-2', ram: 8, cpu: 2, gpus: [{}] };
    const added = await test.ask('POST', `${path}/nodes`, { as: admin, body: node });
    expect(added.status).toBe(201);
    expect((await test.ask('POST', `${path}/nodes`, { as: admin, body: node })).body['code']).toBe('name_taken');
    expect((await test.ask('GET', path, { as: admin })).body).toMatchObject({ ram: 40, cpu: 10, gpu: 3 });
    const nodePath = `${path}/nodes/${added.body['id']}`;
    expect((await test.ask('GET', nodePath, { as: admin })).body['name']).toBe('node-2');
    const cordoned = await test.ask('PATCH', nodePath, { as: admin, body: { schedulable: false } });
    expect(cordoned.body['schedulable']).toBe(false);
    expect((await test.ask('DELETE', nodePath, { as: admin })).status).toBe(204);
    expect((await test.ask('GET', path, { as: admin })).body).toMatchObject({ ram: 32, cpu: 8, gpu: 2 });
    expect((await test.ask('DELETE', nodePath, { as: admin })).status).toBe(404);
  });

  it('stay while something holds them, and the last one stays', async () => {
    const { body } = await create();
    const path = `/clusters/${body['id']}/nodes`;
    const first = itemsOf((await test.ask('GET', path, { as: admin })).body)[0]!['id'];
    expect((await test.ask('DELETE', `${path}/${first}`, { as: admin })).body['code']).toBe('last_node');
    await test.ask('POST', path, { as: admin, body: { name: 'other', ram: 1, cpu: 1 } });
    await allocate(String(body['id']));
    expect((await test.ask('DELETE', `${path}/${first}`, { as: admin })).body['code']).toBe('node_in_use');
  });
});

describe('deleting a cluster', () => {
  it('goes at once when nothing is queued or active', async () => {
    const { body } = await create();
    expect((await test.ask('DELETE', `/clusters/${body['id']}`, { as: admin })).status).toBe(204);
    expect((await test.ask('GET', `/clusters/${body['id']}`, { as: admin })).status).toBe(404);
  });

  it('is a conflict with active ones, unless it is forced: then they are stopped', async () => {
    const { body } = await create();
    const id = await allocate(String(body['id']));
    expect((await test.ask('DELETE', `/clusters/${body['id']}`, { as: admin })).body['code']).toBe('cluster_in_use');
    const forced = await test.ask('DELETE', `/clusters/${body['id']}?force=true`, { as: admin });
    expect(forced).toMatchObject({ status: 202, body: { status: 'deleting' } });
    expect(control.stopped).toContainEqual({ id, attempt: 1 });
    const refused = await test.ask('POST', '/deployments', {
      as: admin,
      body: { cluster_id: body['id'], docker_image: 'busybox', ram_required: 1, cpu_required: 1 },
    });
    expect(refused.body['code']).toBe('cluster_deleting');
  });

  it('leaves nothing queued behind, whatever is submitted meanwhile', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { body } = await create();
      const id = String(body['id']);
      await allocate(id);
      const submission = { cluster_id: id, docker_image: 'busybox', ram_required: 1, cpu_required: 1 };
      const submissions = Array.from({ length: 30 }, () =>
        test.ask('POST', '/deployments', { as: admin, body: submission }),
      );
      const deleted = await test.ask('DELETE', `/clusters/${id}?force=true`, { as: admin });
      expect(deleted.status).toBe(202);
      for (const { status } of await Promise.all(submissions)) expect([201, 409]).toContain(status);
      const left = await test.db
        .selectFrom('deployment')
        .select('id')
        .where('cluster_id', '=', id)
        .where('status', '=', 'queued')
        .execute();
      expect(left).toEqual([]);
    }
  });
});

async function namesIn(path: string, as: TestUser): Promise<string[]> {
  const { status, body } = await test.ask('GET', path, { as });
  expect(status).toBe(200);
  return itemsOf(body).map(({ name }) => String(name));
}

describe('lists', () => {
  it('of clusters take a part of the name and a runtime, and go either way, page by page', async () => {
    const { owner } = await test.organization();
    for (const name of ['train-a', 'serve', 'train-b']) {
      await test.ask('POST', '/clusters', { as: owner, body: { name, ...small } });
    }
    expect(await namesIn('/clusters', owner)).toEqual(['train-a', 'serve', 'train-b']);
    expect(await namesIn('/clusters?name=TRAIN&sort=-created_at', owner)).toEqual(['train-b', 'train-a']);
    expect(await namesIn('/clusters?runtime=docker', owner)).toEqual([]);
    const first = await test.ask('GET', '/clusters?sort=-created_at&limit=2', { as: owner });
    expect(itemsOf(first.body).map(({ name }) => name)).toEqual(['train-b', 'serve']);
    const next = String(first.body['next_cursor']);
    expect(await namesIn(`/clusters?sort=-created_at&limit=2&cursor=${next}`, owner)).toEqual(['train-a']);
    expect((await test.ask('GET', '/clusters?sort=name', { as: owner })).status).toBe(400);
  });

  it('of nodes take a part of the name, and whether something new may be placed on them', async () => {
    const nodes = ['gpu-1', 'gpu-2', 'cpu-1'].map((name) => ({ name, ram: 8, cpu: 8 }));
    const { body } = await test.ask('POST', '/clusters', {
      as: admin,
      body: { name: 'several', runtime: 'simulated', nodes },
    });
    const path = `/clusters/${String(body['id'])}/nodes`;
    const all = itemsOf((await test.ask('GET', path, { as: admin })).body);
    const cordoned = all.find(({ name }) => name === 'gpu-2')!;
    await test.ask('PATCH', `${path}/${String(cordoned['id'])}`, { as: admin, body: { schedulable: false } });
    expect(await namesIn(`${path}?schedulable=false`, admin)).toEqual(['gpu-2']);
    expect(await namesIn(`${path}?name=gpu&schedulable=true`, admin)).toEqual(['gpu-1']);
    expect((await namesIn(`${path}?sort=-created_at`, admin)).toSorted()).toEqual(['cpu-1', 'gpu-1', 'gpu-2']);
    expect(await namesIn(`${path}?name=nothing`, admin)).toEqual([]);
  });
});
