/** On which engine a volume is, and that who uses it runs there and nowhere else. Its data is in volumes-on-two-engines.test.ts. */
import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Scheduler, startScheduler } from '../../src/control/scheduler.ts';
import { createNode } from '../../src/store/nodes.ts';
import { recordObservations } from '../../src/store/observations.ts';
import { advanceRollout } from '../../src/store/rollouts.ts';
import { beginVolumeDeletion } from '../../src/store/volumes.ts';
import { type Json, startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let api: TestApi;
let scheduler: Scheduler;
let organizationId: string;
let owner: TestUser;
let made = 0;
/** Of this test: its nodes are on the installation's own engine, and on "box-N". */
let clusterId: string;
let engineId: string;
let box: string;

beforeAll(async () => {
  // Passes run on request only, so that each step can be looked at.
  api = await startTestApi({
    control: {
      ...fakeControl(),
      schedule: (id, options) => scheduler.schedule(id, options),
      currentPlan: (id) => scheduler.currentPlan(id),
      preview: (id, submitted) => scheduler.preview(id, submitted),
    },
  });
  scheduler = startScheduler({ db: api.db, log: pino({ level: 'fatal' }), onAdmitted: () => undefined });
  await scheduler.close();
  ({ id: organizationId, owner } = await api.organization());
});
afterAll(() => api.close());

beforeEach(async () => {
  made += 1;
  box = `box-${made}`;
  clusterId = await makeCluster();
  engineId = await addEngine(box);
  await addNode('there', engineId);
});

async function makeCluster(): Promise<string> {
  const body = { name: `c-${randomUUID()}`, nodes: [{ name: 'here', ram: 16, cpu: 8 }] };
  return String((await post('/clusters', body, 201))['id']);
}

async function addEngine(name: string, organization = organizationId): Promise<string> {
  const id = randomUUID();
  const address = `tcp://${name}.example.com:2376`;
  await api.db.insertInto('engine').values({ id, organization_id: organization, name, address }).execute();
  return id;
}

async function addNode(name: string, engine: string, labels: Record<string, string> = {}): Promise<void> {
  const node = { name, ram: 8000, cpu: 4000, labels, devices: [], engineId: engine };
  const added = await createNode(api.db, { organizationId }, clusterId, node, { userId: null });
  expect(added.kind).toBe('done');
}

async function post(path: string, body: object, status: number): Promise<Json> {
  const answer = await api.ask('POST', path, { as: owner, body });
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
  return answer.body;
}

async function volume(name: string, engine?: string | null): Promise<Json> {
  return post('/volumes', { cluster_id: clusterId, name, ...(engine !== undefined && { engine }) }, 201);
}

function bodyOf(names: readonly string[], more: object = {}) {
  const volumes = names.map((name) => ({ name, path: `/${name}` }));
  const size = { ram_required: 1, cpu_required: 1 };
  return { cluster_id: clusterId, docker_image: 'busybox', ...size, volumes, ...more };
}

const submit = (names: readonly string[], more: object = {}) => post('/deployments', bodyOf(names, more), 201);

async function refusal(names: readonly string[], more: object = {}): Promise<unknown> {
  const { code, errors } = await post('/deployments', bodyOf(names, more), 422);
  return { code, errors };
}

/** Runs a pass, and says on which nodes this one went; null where it waits. */
async function placesOf({ id }: Json): Promise<string[] | null> {
  const pass = await post(`/clusters/${clusterId}/schedule`, {}, 200);
  const decision = itemsOf(pass, 'decisions').find((one) => one['deployment_id'] === id);
  return decision?.['decision'] === 'place' ? itemsOf(decision, 'placements').map(({ node }) => String(node)) : null;
}

async function read(path: string): Promise<Json> {
  return (await api.ask('GET', path, { as: owner })).body;
}

describe('a volume', () => {
  test('is on the only engine of its cluster, unless another one is named that a node is on', async () => {
    clusterId = await makeCluster();
    expect(await volume('own')).toMatchObject({ engine: null });
    // A cluster that is on the other engine alone.
    await addNode('there', engineId);
    const { items } = await read(`/clusters/${clusterId}/nodes?name=here`);
    await api.ask('DELETE', `/clusters/${clusterId}/nodes/${items[0].id}`, { as: owner });
    expect(await volume('theirs')).toMatchObject({ engine: { id: engineId, name: box } });
    expect(itemsOf(await read(`/volumes?cluster_id=${clusterId}`)).map(({ name, engine }) => [name, engine])).toEqual([
      ['own', null],
      ['theirs', { id: engineId, name: box, address: `tcp://${box}.example.com:2376` }],
    ]);
  });

  test('needs its engine named where there are several, by name or id, and null for the own one', async () => {
    const wanted = { cluster_id: clusterId, name: 'data' };
    const choices = `null (the installation’s own), ${box}`;
    expect(await post('/volumes', wanted, 422)).toMatchObject({
      code: 'engine_needed',
      errors: [{ field: 'engine', message: `is needed, since the nodes of the cluster are on several: ${choices}` }],
    });
    expect(await volume('a', box)).toMatchObject({ engine: { name: box } });
    expect(await volume('b', engineId)).toMatchObject({ engine: { name: box } });
    expect(await volume('c', null)).toMatchObject({ engine: null });
    const unused = `unused-${made}`;
    await addEngine(unused);
    await addEngine('foreign', (await api.organization()).id);
    for (const engine of [unused, 'foreign', 'none-such', randomUUID()]) {
      expect(await post('/volumes', { ...wanted, engine }, 422)).toMatchObject({
        code: 'engine_needed',
        errors: [{ field: 'engine', message: `is none that a node of the cluster is on; those are: ${choices}` }],
      });
    }
    for (const engine of ['', 7, ['a']]) {
      expect(await post('/volumes', { ...wanted, engine }, 400)).toMatchObject({ errors: [{ field: 'engine' }] });
    }
  });

  test('keeps its engine from being removed, until its data was given up', async () => {
    const { id } = await volume('kept', box);
    const cluster = (await read(`/clusters/${clusterId}`))['name'];
    await api.db.deleteFrom('node').where('engine_id', '=', engineId).execute();
    const refused = await api.ask('DELETE', `/engines/${engineId}`, { as: owner });
    expect(refused).toMatchObject({ status: 409, body: { code: 'engine_in_use' } });
    expect(refused.body['detail']).toContain(`There are volumes on it: kept in ${cluster}.`);
    const behind = api.db.deleteFrom('engine').where('id', '=', engineId).execute();
    await expect(behind).rejects.toMatchObject({ constraint: 'volume_engine_id_fkey' });
    await beginVolumeDeletion(api.db, { organizationId }, String(id), { userId: null });
    expect((await api.ask('DELETE', `/engines/${engineId}`, { as: owner })).status).toBe(204);
    expect((await api.ask('GET', `/volumes/${id}`, { as: owner })).status).toBe(404);
  });
});

describe('a deployment that uses volumes', () => {
  test('runs on their engine, however empty others are, and waits for it in words that name it', async () => {
    await volume('data', box);
    const first = await submit(['data'], { cpu_required: 3 });
    expect(await placesOf(first)).toEqual(['there']);
    const second = await submit(['data'], { cpu_required: 3 });
    expect(await placesOf(second)).toBeNull();
    const { waiting } = await read(`/deployments/${second['id']}`);
    expect(waiting).toMatchObject({ reason: 'insufficient_resources', nearest_node: 'there' });
    expect(waiting['message']).toBe(
      `needs 3 cores, 1 is free on node there (2 short), of the nodes on the engine ${box} (where its volumes are)`,
    );
    expect(await placesOf(await submit([], { cpu_required: 3 }))).toEqual(['here']);
  });

  test('of the own engine does not go to another', async () => {
    await volume('data', null);
    const gang = await submit(['data'], { replicas: 4, cpu_required: 2 });
    expect(await placesOf(gang)).toEqual(['here', 'here', 'here', 'here']);
    expect(await placesOf(await submit(['data'], { cpu_required: 2 }))).toBeNull();
  });

  test('on different engines is refused, and both are named; planned or in a batch as well', async () => {
    await volume('a', box);
    await volume('b', null);
    const message = `names "b", which is on the installation’s own engine, and "a" is on the engine ${box}: no container can have both`;
    expect(await refusal(['a', 'b'])).toEqual({
      code: 'volumes_apart',
      errors: [{ field: 'volumes.1.name', message }],
    });
    const deployments = [bodyOf(['a']), bodyOf(['a', 'b'])];
    expect(await post('/deployments/batch', { deployments }, 422)).toMatchObject({
      errors: [{ field: 'deployments.1.volumes.1.name', message }],
    });
    const planned = await post('/deployments/plan', { deployments, as: 'submit' }, 200);
    expect(itemsOf(planned, 'deployments')).toMatchObject([
      { errors: [], standing: { decision: 'place' } },
      { errors: [{ field: 'deployments.1.volumes.1.name', message }] },
    ]);
  });

  test('is refused where that engine could never hold it, though another could', async () => {
    await volume('data', box);
    const there = `on the engine ${box} (where its volumes are)`;
    expect(await refusal(['data'], { ram_required: 9 })).toMatchObject({
      errors: [{ message: `asks for 9 GB, and the most that one node ${there} could give it is 8 GB` }],
    });
    expect(await refusal(['data'], { replicas: 5 })).toMatchObject({
      errors: [
        { field: 'replicas', message: expect.stringContaining(`what the cluster has ${there}, empty, holds 4`) },
      ],
    });
    expect(await refusal(['data'], { node_labels: { zone: 'a' } })).toMatchObject({
      errors: [{ field: 'node_labels', message: `asks for a node with zone=a ${there}, and none has this` }],
    });
  });

  test('is refused where the cluster has no node on that engine any more', async () => {
    await volume('data', box);
    await api.db.deleteFrom('node').where('engine_id', '=', engineId).execute();
    expect(await refusal(['data'])).toMatchObject({
      code: 'never_fits',
      errors: [{ field: 'volumes', message: `are on the engine ${box}, and the cluster has no node there` }],
    });
  });

  test('waits where the nodes of their engine have gone, and says so; and goes when there is one again', async () => {
    await volume('data', box);
    const waits = await submit(['data']);
    await api.db.deleteFrom('node').where('engine_id', '=', engineId).execute();
    expect(await placesOf(waits)).toBeNull();
    const { waiting } = await read(`/deployments/${waits['id']}`);
    expect(waiting).toMatchObject({
      reason: 'never_fits',
      message: `its volumes are on the engine ${box}, and the cluster has no node there`,
    });
    await addNode('again', engineId);
    expect(await placesOf(waits)).toEqual(['again']);
  });

  test('stands in a plan where it would go', async () => {
    await volume('data', box);
    await placesOf(await submit(['data'], { cpu_required: 3 }));
    const deployments = [bodyOf(['data'], { cpu_required: 2 }), bodyOf([], { cpu_required: 2 })];
    const { deployments: planned } = await post('/deployments/plan', { deployments, as: 'submit' }, 200);
    expect(planned).toMatchObject([{ standing: { decision: 'wait' } }, { standing: { decision: 'place' } }]);
    expect(JSON.stringify(planned[0].standing)).toContain(`the engine ${box}`);
  });

  test('goes by where the volume is now, when it is tried again', async () => {
    const { id } = await volume('data', box);
    const tried = await submit(['data']);
    await post(`/deployments/${tried['id']}/cancel`, {}, 200);
    await api.db.deleteFrom('volume').where('id', '=', String(id)).execute();
    await volume('data', null);
    await post(`/deployments/${tried['id']}/retry`, {}, 200);
    expect(await placesOf(tried)).toEqual(['here']);
  });

  test('shows nobody how the scheduler tells engines apart', async () => {
    await volume('data', box);
    const one = await submit(['data'], { node_labels: {} });
    await placesOf(one);
    const nodes = await read(`/clusters/${clusterId}/nodes`);
    expect(itemsOf(nodes).map(({ labels }) => labels)).toEqual([{}, {}]);
    expect(await read(`/deployments/${one['id']}`)).toMatchObject({ node_labels: {} });
    for (const path of ['/events', `/clusters/${clusterId}/trace`, `/clusters/${clusterId}/queue`]) {
      const headers = { authorization: `Bearer ${owner.token}` };
      const { statusCode, payload } = await api.api.inject({ url: `/api/v1${path}`, headers });
      expect(statusCode).toBe(200);
      expect(payload).not.toContain('volumes are on');
    }
    // What the scheduler calls it can't be said by people.
    const label = { [`volumes are on ${engineId}`]: '' };
    await post('/deployments', bodyOf([], { node_labels: label }), 400);
    const node = { name: 'sly', ram: 1, cpu: 1, labels: label };
    await post(`/clusters/${clusterId}/nodes`, node, 400);
  });

  test('is scaled up on their engine, and waits there for room', async () => {
    await volume('data', box);
    const service = await submit(['data'], { kind: 'service', replicas: 1, cpu_required: 2 });
    const id = String(service['id']);
    expect(await placesOf(service)).toEqual(['there']);
    const about = { deploymentId: id, attempt: 1, replica: 0, run: 1, at: Date.now() };
    await recordObservations(api.db, [{ ...about, kind: 'started', containerId: 'c', ports: [] }]);
    await post(`/deployments/${id}/update`, { replicas: 2 }, 200);
    await advanceRollout(api.db, { id, cluster_id: clusterId }, []);
    expect((await read(`/deployments/${id}`))['replica_states']).toMatchObject([{ node: 'there' }, { node: 'there' }]);
    const larger = await api.ask('POST', `/deployments/${id}/update`, { as: owner, body: { replicas: 3 } });
    expect(larger).toMatchObject({ status: 422, body: { code: 'never_fits' } });
    await addNode('closed', engineId);
    await api.db.updateTable('node').set({ schedulable: false }).where('name', '=', 'closed').execute();
    await post(`/deployments/${id}/update`, { replicas: 3 }, 200);
    await advanceRollout(api.db, { id, cluster_id: clusterId }, []);
    const { update_message } = await read(`/deployments/${id}`);
    expect(update_message).toContain(`of the nodes on the engine ${box}`);
  });
});
