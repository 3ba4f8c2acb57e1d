/** What deployments may say about where they run, end to end: labels of nodes, GPU memory, how many replicas share a node. */
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Scheduler, startScheduler } from '../../src/control/scheduler.ts';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let scheduler: Scheduler;
let user: TestUser;
let clusterId: string;
let made = 0;

beforeAll(async () => {
  // Passes run on request only, so that each step can be looked at.
  const control = fakeControl();
  test = await startTestApi({
    control: {
      ...control,
      schedule: (id, options) => scheduler.schedule(id, options),
      currentPlan: (id) => scheduler.currentPlan(id),
    },
  });
  scheduler = startScheduler({ db: test.db, log: pino({ level: 'fatal' }), onAdmitted: () => undefined });
  await scheduler.close();
  user = (await test.organization()).owner;
});
afterAll(() => test.close());

beforeEach(async () => {
  made += 1;
  const nodes = [
    { name: 'a', ram: 16, cpu: 8, labels: { zone: 'a', 'example.com/disk': 'ssd' }, gpus: [{ memory_gb: 80 }] },
    { name: 'b', ram: 16, cpu: 8, labels: { zone: 'b' }, gpus: [{ memory_gb: 23.999 }, { memory_gb: 24 }] },
    { name: 'c', ram: 16, cpu: 8 },
  ];
  const body = { name: `cluster-${made}`, nodes, runtime: 'simulated' };
  clusterId = String((await test.ask('POST', '/clusters', { as: user, body })).body['id']);
});

function submit(body: object) {
  const whole = { cluster_id: clusterId, docker_image: 'busybox', ram_required: 1, cpu_required: 1, ...body };
  return test.ask('POST', '/deployments', { as: user, body: whole });
}

/** Submits one, runs a pass, and says on which nodes its replicas went; null where it waits. */
async function nodesOf(body: object): Promise<string[] | null> {
  const answer = await submit(body);
  expect(answer.status).toBe(201);
  const pass = await test.ask('POST', `/clusters/${clusterId}/schedule`, { as: user });
  const decision = itemsOf(pass.body, 'decisions').find((one) => one['deployment_id'] === answer.body['id']);
  if (decision?.['decision'] !== 'place') return null;
  return itemsOf(decision, 'placements').map(({ node }) => String(node));
}

async function refusedFor(body: object): Promise<unknown[]> {
  const answer = await submit(body);
  expect(answer.status).toBe(422);
  expect(answer.body['code']).toBe('never_fits');
  return itemsOf(answer.body, 'errors').map(({ field, message }) => [field, message]);
}

async function nodeNamed(name: string) {
  const { body } = await test.ask('GET', `/clusters/${clusterId}/nodes`, { as: user });
  return itemsOf(body).find((node) => node['name'] === name)!;
}

async function changeNode(name: string, body: object) {
  const { id } = await nodeNamed(name);
  return test.ask('PATCH', `/clusters/${clusterId}/nodes/${String(id)}`, { as: user, body });
}

describe('a deployment', () => {
  it('reads back what it asks for, and asks for nothing by default', async () => {
    const asked = { gpu_required: 1, gpu_memory_required: 23.999, node_labels: { zone: 'b' }, max_per_node: 1 };
    const { body } = await submit(asked);
    expect(body).toMatchObject(asked);
    expect((await test.ask('GET', `/deployments/${body['id']}`, { as: user })).body).toMatchObject(asked);
    expect((await submit({})).body).toMatchObject({ gpu_memory_required: 0, node_labels: {}, max_per_node: null });
  });

  it('runs on nodes that have all of its labels, and on no others', async () => {
    const heavy = { ram_required: 10 };
    expect(await nodesOf({ ...heavy, node_labels: { zone: 'b' } })).toEqual(['b']);
    expect(await nodesOf({ ...heavy, node_labels: { zone: 'a', 'example.com/disk': 'ssd' } })).toEqual(['a']);
    // There is room on c.
    const waits = await submit({ ...heavy, node_labels: { zone: 'b' } });
    expect(await nodesOf({})).not.toBeNull();
    const { body } = await test.ask('GET', `/deployments/${waits.body['id']}`, { as: user });
    expect(['insufficient_resources', 'fragmented']).toContain(body['waiting']!['reason']);
    expect(String(body['waiting']!['message'])).toContain('zone=b');
  });

  it('gets devices with as much memory as it asks for', async () => {
    expect(await nodesOf({ gpu_required: 1, gpu_memory_required: 40 })).toEqual(['a']);
    expect(await nodesOf({ gpu_required: 0.5, gpu_memory_required: 24 })).toEqual(['b']);
    expect(await nodesOf({ gpu_required: 1, gpu_memory_required: 24 })).toBeNull();
    expect(await nodesOf({ gpu_required: 1, gpu_memory_required: 23.999 })).toEqual(['b']);
  });

  it('asks for models and labels whatever is in their names', async () => {
    const model = 'A|100 "x"\\';
    const gpus = [{ model, memory_gb: 1 }];
    const body = { name: 'odd', ram: 1, cpu: 1, gpus, labels: { 'x.y/z-1': 'a_b.c' } };
    await test.ask('POST', `/clusters/${clusterId}/nodes`, { as: user, body });
    const asked = { gpu_required: 1, gpu_models: [model, 'other|'], node_labels: { 'x.y/z-1': 'a_b.c' }, replicas: 1 };
    expect(await nodesOf({ ...asked, gpu_memory_required: 0.5, max_per_node: 3, time_limit_s: 60 })).toEqual(['odd']);
  });

  it('spreads its replicas as far as it asks for', async () => {
    expect((await nodesOf({ replicas: 3, max_per_node: 1 }))!.toSorted()).toEqual(['a', 'b', 'c']);
    const [first, second] = (await nodesOf({ replicas: 2 }))!;
    expect(first).toBe(second);
  });

  it('is refused where the empty cluster could never hold it, naming what stands in the way', async () => {
    expect(await refusedFor({ node_labels: { zone: 'z' } })).toEqual([
      ['node_labels', 'asks for a node with zone=z, and none has this'],
    ]);
    const both = { zone: 'b', 'example.com/disk': 'ssd' };
    expect(await refusedFor({ node_labels: both })).toEqual([
      ['node_labels', 'asks for a node with zone=b, example.com/disk=ssd, and none has all of these'],
    ]);
    expect(await refusedFor({ ram_required: 17, node_labels: { zone: 'b' } })).toEqual([
      ['ram_required', 'asks for 17 GB, and the most that one node with zone=b could give it is 16 GB'],
    ]);
    expect(await refusedFor({ gpu_required: 1, gpu_memory_required: 81 })).toEqual([
      ['gpu_memory_required', 'asks for GPU devices of 81 GB each, and the most that one node could give it is 80 GB'],
    ]);
    expect(await refusedFor({ replicas: 4, max_per_node: 1 })).toEqual([
      ['max_per_node', 'lets at most 1 of the 4 replicas share a node, and the whole cluster, empty, holds 3 so'],
    ]);
  });
});

describe('a node', () => {
  it('shows its labels and the memory of its devices', async () => {
    expect(await nodeNamed('a')).toMatchObject({ labels: { zone: 'a', 'example.com/disk': 'ssd' } });
    expect(await nodeNamed('b')).toMatchObject({ gpus: [{ memory_gb: 23.999 }, { memory_gb: 24 }] });
    expect(await nodeNamed('c')).toMatchObject({ labels: {} });
  });

  it('has labels set and taken away one by one, and says so in an event', async () => {
    const changed = await changeNode('a', { labels: { zone: 'b', 'example.com/disk': null, rack: '7' } });
    expect(changed.body).toMatchObject({ labels: { zone: 'b', rack: '7' }, schedulable: true });
    expect(changed.body['labels']).not.toHaveProperty('example.com/disk');
    await changeNode('a', { labels: { rack: '7' } });
    expect((await changeNode('a', { schedulable: false })).body).toMatchObject({ schedulable: false });
    const { body } = await test.ask('GET', `/events?cluster_id=${clusterId}&type=node.updated`, { as: user });
    expect(itemsOf(body).map(({ message }) => message)).toEqual([
      'a has the labels rack=7, zone=b',
      'a takes no new deployments',
    ]);
    expect(await nodesOf({ ram_required: 10, node_labels: { zone: 'b' } })).toEqual(['b']);
    expect(await nodesOf({ ram_required: 10, node_labels: { zone: 'b' } })).toBeNull();
    await changeNode('a', { schedulable: true });
    expect(await nodesOf({ node_labels: { rack: '7' } })).toEqual(['a']);
  });

  it('keeps what runs there when its labels change', async () => {
    expect(await nodesOf({ node_labels: { zone: 'b' } })).toEqual(['b']);
    expect((await changeNode('b', { labels: { zone: null } })).status).toBe(200);
    const { body } = await test.ask('GET', `/clusters/${clusterId}`, { as: user });
    expect(body).toMatchObject({ deployments: { active: 1 } });
  });

  it('refuses a change of nothing', async () => {
    expect((await changeNode('a', {})).status).toBe(400);
  });
});
