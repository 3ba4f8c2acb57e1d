import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepLogs } from '../../src/store/replica-logs.ts';
import { type Answer, startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { type FakeControl, fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let control: FakeControl;
let user: TestUser;
let clusterId: string;

beforeAll(async () => {
  control = fakeControl();
  test = await startTestApi({ control });
  control.db = test.db;
  user = (await test.organization()).owner;
  clusterId = await newCluster();
});
afterAll(() => test.close());

let made = 0;
async function newCluster(as = user): Promise<string> {
  made += 1;
  const body = { name: `cluster-${made}`, ram: 32, cpu: 8, gpu: 2, runtime: 'simulated' };
  const answer = await test.ask('POST', '/clusters', { as, body });
  return String(answer.body['id']);
}

const minimal = { docker_image: 'registry.example.com/team/app:2', ram_required: 1.5, cpu_required: 0.25 };

function submit(body: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
  return test.ask('POST', '/deployments', { as: user, body: { cluster_id: clusterId, ...minimal, ...body }, headers });
}

function batch(deployments: object[], headers: Record<string, string> = {}): Promise<Answer> {
  const body = { deployments: deployments.map((one) => ({ cluster_id: clusterId, ...minimal, ...one })) };
  return test.ask('POST', '/deployments/batch', { as: user, body, headers });
}

async function submitted(body: object = {}): Promise<string> {
  return String((await submit(body)).body['id']);
}

async function setStatus(id: string, status: 'starting' | 'running' | 'stopping' | 'succeeded'): Promise<void> {
  await test.db.updateTable('deployment').set({ status }).where('id', '=', id).execute();
}

async function count(cluster: string): Promise<number> {
  const rows = await test.db.selectFrom('deployment').select('id').where('cluster_id', '=', cluster).execute();
  return rows.length;
}

function fields({ body }: Answer): string[] {
  return itemsOf(body, 'errors').map(({ field }) => String(field));
}

describe('a submission', () => {
  it('is queued, with the documented defaults, and reads back as it was answered', async () => {
    const env = { TOKEN: 'a "quoted" \\ value', EMPTY: '' };
    const given = { env, command: ['sh', '-c', 'echo "hi"'], labels: { team: 'x' }, gpu_models: ['A100', 'generic'] };
    const { status, body, headers } = await submit({ ...given, ports: [{ container: 80 }] });
    expect(status).toBe(201);
    expect(headers['etag']).toBe('"1"');
    expect(body).toMatchObject({
      ...given,
      name: 'app',
      status: 'queued',
      priority: 50,
      replicas: 1,
      kind: 'job',
      ram_required: 1.5,
      ports: [{ container: 80, host: null, protocol: 'tcp' }],
      submitted_by: user.id,
    });
    const { body: read } = await test.ask('GET', `/deployments/${body['id']}`, { as: user });
    const { waiting, replica_states: replicas, dependencies, expires_at: expires, hints, ...same } = read;
    expect(same).toEqual(body);
    expect([dependencies, expires]).toEqual([[], null]);
    expect(replicas).toEqual([]);
    expect(hints).toEqual([]);
    expect(waiting).toMatchObject({ reason: 'insufficient_resources', shortfall: { ram: 1, cpu: 0, gpu: 0 } });
    expect(control.woken).toContain(clusterId);
    const { body: events } = await test.ask('GET', `/deployments/${body['id']}/events`, { as: user });
    expect(events['items']).toMatchObject([{ type: 'deployment.submitted', actor_id: user.id }]);
  });

  it.each([
    [{ priority: 0 }, 'priority'],
    [{ priority: 101 }, 'priority'],
    [{ ram_required: 0 }, 'ram_required'],
    [{ cpu_required: -1 }, 'cpu_required'],
    [{ gpu_required: 1.5 }, 'gpu_required'],
    [{ docker_image: 'Not An Image' }, 'docker_image'],
    [{ command: ['a\u0000b'] }, 'command.0'],
    [{ labels: { a: '\ud800' } }, 'labels.a'],
    [{ unknown: 1 }, 'unknown'],
    [
      {
        ports: [
          { container: 1, host: 80 },
          { container: 2, host: 80 },
        ],
      },
      'ports.1.host',
    ],
  ])('is refused with %j, naming %s', async (body, field) => {
    const answer = await submit(body);
    expect(answer.status).toBe(400);
    expect(fields(answer)).toContain(field);
  });

  it('is refused where the cluster could never hold it, naming dimension, request and the most there is', async () => {
    const answer = await submit({ ram_required: 64 });
    expect(answer.status).toBe(422);
    expect(answer.body['code']).toBe('never_fits');
    expect(fields(answer)).toEqual(['ram_required']);
    expect(String(answer.body['detail'])).toMatch(/64.*32/);
    expect((await submit({ ram_required: 32, cpu_required: 8, gpu_required: 2 })).status).toBe(201);
  });

  it('counts a node that was added a moment ago', async () => {
    const id = await newCluster();
    expect((await submit({ cluster_id: id, ram_required: 64 })).status).toBe(422);
    await test.ask('POST', `/clusters/${id}/nodes`, { as: user, body: { name: 'big', ram: 64, cpu: 8 } });
    expect((await submit({ cluster_id: id, ram_required: 64 })).status).toBe(201);
  });

  it('to an unknown cluster, or one of others, is 404', async () => {
    expect((await submit({ cluster_id: 'nonsense' })).status).toBe(404);
    expect((await submit({ cluster_id: '00000000-0000-7000-8000-000000000000' })).status).toBe(404);
    const stranger = (await test.organization()).owner;
    expect((await submit({ cluster_id: await newCluster(stranger) })).status).toBe(404);
  });

  it('shares a commit with others and not their fate', async () => {
    const cluster = await newCluster();
    const gone = await newCluster();
    // Remembered as there, and gone by the time of the commit.
    expect((await submit({ cluster_id: gone })).status).toBe(201);
    await test.db.deleteFrom('deployment').where('cluster_id', '=', gone).execute();
    await test.db.deleteFrom('cluster').where('id', '=', gone).execute();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => submit({ cluster_id: i % 5 === 0 ? gone : cluster, name: `n${i}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map((_, i) => (i % 5 === 0 ? 404 : 201)));
    expect(await count(cluster)).toBe(40);
  });
});

describe('a batch', () => {
  it('keeps its order, also where times are equal', async () => {
    const cluster = await newCluster();
    const names = Array.from({ length: 500 }, (_, i) => `n${i}`);
    const { status, body } = await batch(names.map((name) => ({ cluster_id: cluster, name })));
    expect(status).toBe(201);
    expect(itemsOf(body, 'deployments').map(({ name }) => name)).toEqual(names);
    const { body: queue } = await test.ask('GET', `/clusters/${cluster}/queue?limit=1000`, { as: user });
    expect(itemsOf(queue).map(({ name }) => name)).toEqual(names);
  });

  it('is accepted whole or not at all, and errors name the one', async () => {
    const cluster = await newCluster();
    const good = { cluster_id: cluster };
    const invalid = await batch([good, { ...good, cpu_required: -1 }]);
    expect(fields(invalid)).toEqual(['deployments.1.cpu_required']);
    const tooLarge = await batch([good, good, { ...good, gpu_required: 3 }]);
    expect(tooLarge.status).toBe(422);
    expect(fields(tooLarge)).toEqual(['deployments.2.gpu_required']);
    const unknown = await batch([good, { cluster_id: '00000000-0000-7000-8000-000000000000' }]);
    expect(unknown.status).toBe(404);
    expect(await count(cluster)).toBe(0);
  });
});

describe('an idempotency key', () => {
  it('returns the first deployment for the same request, and refuses another', async () => {
    const key = { 'idempotency-key': 'key-1' };
    const first = await submit({ name: 'first', env: { A: '1', B: '2' } }, key);
    const again = await submit({ name: 'first', env: { B: '2', A: '1' } }, key);
    expect(again).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    expect(again.body).toEqual(first.body);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    const other = await submit({ name: 'other' }, key);
    expect(other).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
    expect((await submit({}, { 'idempotency-key': 'ä' })).status).toBe(400);
    expect((await submit({}, { 'idempotency-key': 'x'.repeat(201) })).status).toBe(400);
  });

  it('makes one, however many race', async () => {
    const cluster = await newCluster();
    const key = { 'idempotency-key': 'key-race' };
    const answers = await Promise.all(Array.from({ length: 40 }, () => submit({ cluster_id: cluster }, key)));
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
    expect(await count(cluster)).toBe(1);
  });

  it('covers a batch, and holds after its cluster has gone full', async () => {
    const cluster = await newCluster();
    const key = { 'idempotency-key': 'key-batch' };
    const first = await batch([{ cluster_id: cluster }, { cluster_id: cluster }], key);
    const again = await batch([{ cluster_id: cluster }, { cluster_id: cluster }], key);
    expect(again.body).toEqual(first.body);
    expect(await count(cluster)).toBe(2);
  });

  it('is of no use to another organization', async () => {
    const stranger = (await test.organization()).owner;
    const cluster = await newCluster(stranger);
    const headers = { 'idempotency-key': 'key-1' };
    const body = { cluster_id: cluster, ...minimal };
    const answer = await test.ask('POST', '/deployments', { as: stranger, body, headers });
    expect(answer.status).toBe(201);
  });
});

describe('listing deployments', () => {
  it.each(['created_at', '-created_at', 'priority', '-priority'])('goes page by page by %s', async (sort) => {
    const cluster = await newCluster();
    const priorities = [3, 1, 2, 1, 3, 2, 1];
    await batch(priorities.map((priority, i) => ({ cluster_id: cluster, priority, name: `n${i}` })));
    const seen: { priority: number; name: string }[] = [];
    for (let cursor = ''; ; ) {
      const path = `/deployments?cluster_id=${cluster}&sort=${sort}&limit=2${cursor}`;
      const { body } = await test.ask('GET', path, { as: user });
      seen.push(...itemsOf(body).map(({ priority, name }) => ({ priority: Number(priority), name: String(name) })));
      if (body['next_cursor'] === null) break;
      cursor = `&cursor=${body['next_cursor']}`;
    }
    const sign = sort.startsWith('-') ? -1 : 1;
    const expected = priorities
      .map((priority, i) => ({ priority, name: `n${i}` }))
      .toSorted(
        (a, b) => sign * ((sort.endsWith('priority') ? a.priority - b.priority : 0) || a.name.localeCompare(b.name)),
      );
    expect(seen).toEqual(expected);
  });

  it('filters', async () => {
    const cluster = await newCluster();
    const id = await submitted({ cluster_id: cluster, name: 'Train-1', kind: 'service', priority: 7 });
    await submitted({ cluster_id: cluster, name: 'other' });
    await setStatus(id, 'running');
    const queries = ['status=running,starting', 'kind=service', 'priority=7', 'name=train'];
    for (const query of queries) {
      const { body } = await test.ask('GET', `/deployments?cluster_id=${cluster}&${query}`, { as: user });
      expect(itemsOf(body).map((item) => item['id'])).toEqual([id]);
    }
    for (const query of ['cluster_id=nonsense', 'submitted_by=nobody']) {
      expect((await test.ask('GET', `/deployments?${query}`, { as: user })).body['items']).toEqual([]);
    }
    expect((await test.ask('GET', '/deployments?status=lost', { as: user })).status).toBe(400);
    expect((await test.ask('GET', '/deployments?cursor=nonsense', { as: user })).status).toBe(400);
  });

  it('shows nothing of other organizations', async () => {
    const id = await submitted();
    const stranger = (await test.organization()).owner;
    expect((await test.ask('GET', '/deployments', { as: stranger })).body['items']).toEqual([]);
    for (const path of ['', '/events', '/logs']) {
      expect((await test.ask('GET', `/deployments/${id}${path}`, { as: stranger })).status).toBe(404);
    }
    for (const verb of ['cancel', 'stop', 'retry']) {
      expect((await test.ask('POST', `/deployments/${id}/${verb}`, { as: stranger })).status).toBe(404);
    }
    expect((await test.ask('DELETE', `/deployments/${id}`, { as: stranger })).status).toBe(404);
  });
});

describe('the priority', () => {
  it('changes while it is queued, if the version still is the one that was read', async () => {
    const id = await submitted();
    const path = `/deployments/${id}`;
    const changed = await test.ask('PATCH', path, { as: user, body: { priority: 3 }, headers: { 'if-match': '"1"' } });
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { priority: 3 } });
    const stale = await test.ask('PATCH', path, { as: user, body: { priority: 4 }, headers: { 'if-match': '"1"' } });
    expect(stale.status).toBe(412);
    await setStatus(id, 'running');
    const late = await test.ask('PATCH', path, { as: user, body: { priority: 4 } });
    expect(late).toMatchObject({ status: 409, body: { code: 'illegal_transition' } });
    expect(String(late.body['detail'])).toContain('running');
    const { body: events } = await test.ask('GET', `${path}/events`, { as: user });
    expect(itemsOf(events).at(-1)).toMatchObject({ type: 'deployment.priority_changed', data: { from: 50, to: 3 } });
  });
});

describe('verbs', () => {
  it('cancel, retry and delete an idle one', async () => {
    const id = await submitted();
    const stop = await test.ask('POST', `/deployments/${id}/stop`, { as: user });
    expect(stop.status).toBe(409);
    expect(String(stop.body['detail'])).toMatch(/queued.*cancelled/);
    expect((await test.ask('POST', `/deployments/${id}/cancel`, { as: user })).body['status']).toBe('cancelled');
    expect((await test.ask('POST', `/deployments/${id}/cancel`, { as: user })).status).toBe(409);
    const retried = await test.ask('POST', `/deployments/${id}/retry`, { as: user });
    expect(retried.body).toMatchObject({ status: 'queued', attempt: 2 });
    expect((await test.ask('DELETE', `/deployments/${id}`, { as: user })).status).toBe(204);
    expect((await test.ask('GET', `/deployments/${id}`, { as: user })).status).toBe(404);
  });

  it('stop and delete an active one, and hand it to the control plane', async () => {
    const id = await submitted();
    await setStatus(id, 'running');
    expect((await test.ask('POST', `/deployments/${id}/stop`, { as: user })).body['status']).toBe('stopping');
    expect(control.stopped).toContainEqual({ id, attempt: 1 });
    const deleted = await test.ask('DELETE', `/deployments/${id}`, { as: user });
    expect(deleted).toMatchObject({ status: 202, body: { status: 'stopping' } });
  });

  it('are not for viewers', async () => {
    const organization = await test.organization();
    const viewer = await test.member(organization, 'viewer');
    const body = { cluster_id: clusterId, ...minimal };
    expect((await test.ask('POST', '/deployments', { as: viewer, body })).status).toBe(403);
    expect((await test.ask('POST', `/deployments/${clusterId}/cancel`, { as: viewer })).status).toBe(403);
  });
});

describe('the queue', () => {
  it('goes page by page in the order of the scheduler, with those that came after the plan at its end', async () => {
    const cluster = await newCluster();
    await batch([5, 1, 3].map((priority) => ({ cluster_id: cluster, priority, name: `p${priority}` })));
    control.frozen = await control.currentPlan(cluster);
    const late = await submitted({ cluster_id: cluster, priority: 1, name: 'late' });
    const seen: unknown[][] = [];
    for (let cursor = ''; ; ) {
      const { body } = await test.ask('GET', `/clusters/${cluster}/queue?limit=2${cursor}`, { as: user });
      seen.push(...itemsOf(body).map((entry) => [entry['position'], entry['name'], entry['reason']]));
      if (body['next_cursor'] === null) break;
      cursor = `&cursor=${body['next_cursor']}`;
    }
    expect(seen).toEqual([
      [1, 'p1', 'insufficient_resources'],
      [2, 'p3', 'insufficient_resources'],
      [3, 'p5', 'insufficient_resources'],
      [4, 'late', 'pending'],
    ]);
    const { body } = await test.ask('GET', `/deployments/${late}`, { as: user });
    expect(body['waiting']).toMatchObject({ reason: 'pending', position: 4 });
    control.frozen = undefined;
  });

  it('fills a page up where some have left since', async () => {
    const cluster = await newCluster();
    const { body } = await batch(
      [1, 2, 3, 4].map((priority) => ({ cluster_id: cluster, priority, name: `p${priority}` })),
    );
    control.frozen = await control.currentPlan(cluster);
    await setStatus(String(itemsOf(body, 'deployments')[0]!['id']), 'running');
    const { body: page } = await test.ask('GET', `/clusters/${cluster}/queue?limit=2`, { as: user });
    control.frozen = undefined;
    expect(itemsOf(page).map(({ name }) => name)).toEqual(['p2', 'p3']);
  });

  it('is what a pass answers with', async () => {
    const cluster = await newCluster();
    await submitted({ cluster_id: cluster, name: 'one' });
    const { status, body } = await test.ask('POST', `/clusters/${cluster}/schedule?dryRun=true`, { as: user });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      pass_id: null,
      dry_run: true,
      queued: 1,
      admitted: 0,
      waiting: 1,
      decisions: [{ decision: 'wait', name: 'one', position: 1 }],
    });
  });
});

function line(at: number, text: string) {
  return { stream: 'stdout' as const, at, text };
}

async function withReplica(): Promise<string> {
  const id = await submitted();
  await setStatus(id, 'running');
  await test.db
    .insertInto('replica')
    .values({ deployment_id: id, attempt: 1, index: 0, node_name: 'node-1' })
    .execute();
  return id;
}

describe('logs', () => {
  it('come from the container', async () => {
    const id = await withReplica();
    control.runtime.containers.set(id, { lines: [line(1000, 'a'), line(2000, 'b'), line(3000, 'c')], open: false });
    const path = `/deployments/${id}/logs`;
    const text = await test.ask('GET', path, { as: user });
    expect(text.headers['content-type']).toContain('text/plain');
    expect(text.body['text']).toBe('a\nb\nc\n');
    expect((await test.ask('GET', `${path}?tail=1`, { as: user })).body['text']).toBe('c\n');
    expect((await test.ask('GET', `${path}?since=1970-01-01T00:00:02Z`, { as: user })).body['text']).toBe('b\nc\n');
    const { payload } = await test.api.inject({
      url: `/api/v1${path}?format=ndjson&tail=1`,
      headers: { authorization: `Bearer ${user.token}` },
    });
    const whose = { replica: 0, attempt: 1, run: 1 };
    expect(JSON.parse(payload)).toEqual({ ...whose, stream: 'stdout', at: '1970-01-01T00:00:03.000Z', text: 'c' });
  });

  it('come from what was kept, once the container is gone', async () => {
    const id = await withReplica();
    const key = { deploymentId: id, attempt: 1, replica: 0, run: 1 };
    await keepLogs(test.db, [{ key, lines: [line(1, 'kept'), line(2, 'too')], truncated: false }]);
    const path = `/deployments/${id}/logs`;
    expect((await test.ask('GET', `${path}?tail=1`, { as: user })).body['text']).toBe('too\n');
    expect((await test.ask('GET', `${path}?follow=true`, { as: user })).body['text']).toBe('kept\ntoo\n');
  });

  it('follow one that has not started, until it ends', async () => {
    const id = await submitted();
    expect((await test.ask('GET', `/deployments/${id}/logs`, { as: user })).body['text']).toBe('');
    const followed = test.ask('GET', `/deployments/${id}/logs?follow=true`, { as: user });
    const container = { lines: [line(1, 'first')], open: true };
    control.runtime.containers.set(id, container);
    await setStatus(id, 'running');
    setTimeout(() => container.lines.push(line(2, 'second')), 700);
    setTimeout(() => {
      container.open = false;
    }, 800);
    expect((await followed).body['text']).toBe('first\nsecond\n');
  });

  it('are 404 for a replica or an attempt that there is not, and 503 without the engine', async () => {
    const id = await withReplica();
    const path = `/deployments/${id}/logs`;
    const replica = await test.ask('GET', `${path}?replica=1`, { as: user });
    expect(replica.status).toBe(404);
    expect(String(replica.body['detail'])).toContain('replica 1');
    expect((await test.ask('GET', `${path}?attempt=2`, { as: user })).status).toBe(404);
    control.runtime.reachable = false;
    const away = await test.ask('GET', path, { as: user });
    control.runtime.reachable = true;
    expect(away).toMatchObject({ status: 503, body: { code: 'runtime_unreachable' } });
  });
});

describe('replicas', () => {
  it('are shown with their deployment', async () => {
    const id = await submitted();
    await setStatus(id, 'running');
    await test.db
      .insertInto('replica')
      .values({
        deployment_id: id,
        attempt: 1,
        index: 0,
        node_name: 'node-1',
        devices: JSON.stringify([{ index: 1, amount: 1000 }]),
        status: 'running',
      })
      .execute();
    const { body } = await test.ask('GET', `/deployments/${id}`, { as: user });
    expect(body).toMatchObject({
      waiting: null,
      replica_states: [{ index: 0, attempt: 1, status: 'running', node: 'node-1', gpu_devices: [1] }],
    });
  });
});

describe('events of a deleted deployment', () => {
  it('can still be read', async () => {
    const id = await submitted();
    await test.ask('DELETE', `/deployments/${id}`, { as: user });
    const { status, body } = await test.ask('GET', `/deployments/${id}/events`, { as: user });
    expect(status).toBe(200);
    expect(itemsOf(body).map(({ type }) => type)).toEqual(['deployment.submitted', 'deployment.deleted']);
  });
});
