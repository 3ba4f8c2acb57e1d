/** What updates, roll-backs and revisions answer; how replicas get there is in test/conformance/update.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { fakeControl } from '../support/fake-control.ts';

let api: TestApi;
let owner: TestUser;
let stranger: TestUser;
let clusterId: string;

beforeAll(async () => {
  const control = fakeControl();
  api = await startTestApi({ control });
  control.db = api.db;
  owner = (await api.organization()).owner;
  stranger = (await api.organization()).owner;
  const body = { name: 'c', runtime: 'simulated', ram: 8, cpu: 8, gpu: 0 };
  clusterId = String((await api.ask('POST', '/clusters', { as: owner, body })).body['id']);
});
afterAll(() => api.close());

async function submitted(given: object = {}): Promise<string> {
  const body = {
    cluster_id: clusterId,
    docker_image: 'app:1',
    kind: 'service',
    ram_required: 1,
    cpu_required: 1,
    env: { A: '1', B: '2' },
    ...given,
  };
  const { status, body: made } = await api.ask('POST', '/deployments', { as: owner, body });
  expect({ status, made }).toMatchObject({ status: 201 });
  return String(made['id']);
}

const update = (id: string, body: object, headers: Record<string, string> = {}) =>
  api.ask('POST', `/deployments/${id}/update`, { as: owner, body, headers });

test('a revision has what was changed and all that was not; the same once more is none', async () => {
  const id = await submitted();
  const first = await update(id, { docker_image: 'app:2', env_set: { B: '3', C: '4' }, env_unset: ['A'] });
  expect(first).toMatchObject({
    status: 200,
    // Nothing runs yet: what is queued starts as what it is to be.
    body: { revision: 2, stable_revision: 2, updating: false, docker_image: 'app:2', env: { B: '3', C: '4' } },
  });
  const again = await update(id, { docker_image: 'app:2' });
  expect(again.body).toMatchObject({ revision: 2, version: first.body['version'] });
  await update(id, { replicas: 2, command: null, env: { ONLY: 'this' } });
  const { body } = await api.ask('GET', `/deployments/${id}/revisions`, { as: owner });
  expect(body['items']).toMatchObject([
    { revision: 1, why: 'submitted', spec: { docker_image: 'app:1', env: { A: '1', B: '2' } }, is_wanted: false },
    { revision: 2, why: 'updated', spec: { docker_image: 'app:2', env: { B: '3', C: '4' } } },
    { revision: 3, made_by: owner.id, spec: { replicas: 2, env: { ONLY: 'this' } }, is_wanted: true, is_stable: true },
  ]);
  const { body: diff } = await api.ask('GET', `/deployments/${id}/revisions/diff?from=1&to=2`, { as: owner });
  expect(diff['changes']).toEqual([
    { field: 'docker_image', before: 'app:1', after: 'app:2' },
    { field: 'env.A', before: '1', after: null },
    { field: 'env.B', before: '2', after: '3' },
    { field: 'env.C', before: null, after: '4' },
  ]);
});

test('one returns to the revision before, or to any that there is', async () => {
  const id = await submitted();
  await update(id, { docker_image: 'app:2' });
  await update(id, { docker_image: 'app:3' });
  const back = (body: object) => api.ask('POST', `/deployments/${id}/rollback`, { as: owner, body });
  expect((await back({})).body).toMatchObject({ revision: 2, docker_image: 'app:2' });
  expect((await back({ revision: 3 })).body).toMatchObject({ revision: 3, docker_image: 'app:3' });
  expect(await back({ revision: 4 })).toMatchObject({ status: 404, body: { code: 'not_found' } });
  // A revision after a return is a new one, whatever there was before.
  expect((await update(id, { docker_image: 'app:4' })).body).toMatchObject({ revision: 4 });
  const alone = await submitted();
  const { status, body } = await api.ask('POST', `/deployments/${alone}/rollback`, { as: owner, body: {} });
  expect({ status, detail: body['detail'] }).toMatchObject({ status: 404, detail: /no revision before this one/ });
});

test('what cannot be is refused, in words, and changes nothing', async () => {
  const id = await submitted();
  const job = await submitted({ kind: 'job' });
  expect(await update(job, { replicas: 2 })).toMatchObject({ status: 422, body: { code: 'not_a_service' } });
  expect(await update(id, { ram_required: 100 })).toMatchObject({
    status: 422,
    body: { code: 'never_fits', errors: [{ field: 'ram_required' }] },
  });
  expect(await update(id, {})).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
  expect(await update(id, { ports: [] })).toMatchObject({ status: 400 });
  expect(await update(id, { replicas: 0 })).toMatchObject({ status: 400 });
  expect(await update(id, { replicas: 2 }, { 'if-match': '"9"' })).toMatchObject({
    status: 412,
    body: { code: 'version_mismatch' },
  });
  const { body } = await api.ask('GET', `/deployments/${id}`, { as: owner });
  expect(body).toMatchObject({ revision: 1, version: 1, replicas: 1 });
  expect(await update(id, { replicas: 2 }, { 'if-match': '"1"' })).toMatchObject({ status: 200 });
  await api.ask('POST', `/deployments/${id}/cancel`, { as: owner });
  expect(await update(id, { replicas: 3 })).toMatchObject({ status: 409, body: { code: 'illegal_transition' } });
});

test('what belongs to others is not there', async () => {
  const id = await submitted();
  const requests = [
    ['POST', 'update', { replicas: 2 }],
    ['POST', 'rollback', {}],
    ['GET', 'revisions', undefined],
    ['GET', 'revisions/diff?from=1&to=1', undefined],
  ] as const;
  for (const [method, path, body] of requests) {
    expect(await api.ask(method, `/deployments/${id}/${path}`, { as: stranger, body }), path).toMatchObject({
      status: 404,
    });
  }
});
