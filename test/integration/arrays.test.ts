/** Arrays: many deployments of one submission, on the simulated runtime. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { ArrayChange, DeploymentArray } from '../../src/api/schemas/arrays.ts';
import {
  ascending,
  type Client,
  type Cluster,
  type Deployment,
  type DeploymentInput,
  newOwner,
  submission,
  unique,
  until,
} from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

type ArrayAnswer = z.infer<typeof DeploymentArray>;

let service: TestService;
let owner: Client;
let cluster: Cluster;

beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
  cluster = await owner.createCluster({ ram: 64, cpu: 64, gpu: 0 });
});
afterAll(() => service.stop());

const small = { kind: 'job' as const, ram_required: 0.1, cpu_required: 0.1, stop_grace_s: 0 };
const short = { ...small, env: { SIM_RUN_MS: '0' } };

async function submitArray(input: DeploymentInput): Promise<{ first: Deployment; id: string }> {
  const first = await owner.submit(cluster.id, { name: unique('array'), ...short, ...input });
  return { first, id: first.array!.id };
}

const arrayOf = (id: string) => owner.get<ArrayAnswer>(`/arrays/${id}`);
const elementsOf = (id: string) => owner.all<Deployment>(`/deployments?array_id=${id}&sort=created_at&limit=1000`);

async function ended(id: string): Promise<ArrayAnswer> {
  return until(`array ${id} has ended`, async () => {
    const array = await arrayOf(id);
    const { queued, starting, running, stopping } = array.counts;
    return queued + starting + running + stopping === 0 && array;
  });
}

describe('an array', () => {
  test('is one submission with as many deployments, numbered from 0', async () => {
    const { first, id } = await submitArray({ count: 20 });
    expect(first.array).toEqual({ id, index: 0, count: 20 });
    expect(first.status).toBe('queued');
    const { counts, ...array } = await ended(id);
    expect(array).toMatchObject({ id, name: first.name, count: 20, parallel: null, cluster_id: cluster.id });
    expect(counts).toMatchObject({ succeeded: 20, failed: 0 });
    const elements = await elementsOf(id);
    expect(elements.map(({ array: of }) => of!.index)).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(elements[0]!.id).toBe(first.id);
    expect(new Set(elements.map(({ name }) => name))).toEqual(new Set([first.name]));
    const { items } = await owner.get<{ items: ArrayAnswer[] }>(`/arrays?name=${first.name}`);
    expect(items).toEqual([{ ...array, counts }]);
    const single = await owner.get<{ items: Deployment[] }>(`/deployments?in_array=false&name=${first.name}`);
    expect(single.items).toEqual([]);
  });

  test('of 10,000 is accepted as one, or not at all', async () => {
    await owner.setSchedulable(cluster.id, false);
    const { id } = await submitArray({ count: 10_000 });
    expect((await arrayOf(id)).counts.queued).toBe(10_000);
    const rows = await service.sql(
      'select count(*)::int as n, min(array_index) as low, max(array_index) as high, count(distinct array_index)::int as different from deployment where array_id = $1',
      [id],
    );
    expect(rows).toEqual([{ n: 10_000, low: 0, high: 9999, different: 10_000 }]);
    // In the order of their numbers: equal times are decided by ids.
    const [order] = await service.sql(
      'select array_agg(array_index order by id) = array_agg(array_index order by array_index) as same from deployment where array_id = $1',
      [id],
    );
    expect(order).toEqual({ same: true });
    const change = await owner.call<z.infer<typeof ArrayChange>>('POST', `/arrays/${id}/cancel`);
    expect(change).toMatchObject({ changed: 10_000, counts: { cancelled: 10_000, queued: 0 } });
    expect((await owner.ask('DELETE', `/arrays/${id}`)).status).toBe(204);
    await owner.refused(404, 'GET', `/arrays/${id}`);
    await owner.setSchedulable(cluster.id, true);

    const before = await service.sql('select count(*) from deployment');
    await owner.refused(
      422,
      'POST',
      '/deployments',
      submission(cluster.id, { ...short, count: 500, ram_required: 65 }),
    );
    expect(await service.sql('select count(*) from deployment')).toEqual(before);
  });

  test('with a key is made once', async () => {
    const body = submission(cluster.id, { name: unique('array'), ...short, count: 5 });
    const headers = { 'idempotency-key': unique('key') };
    const first = await owner.call<Deployment>('POST', '/deployments', body, headers);
    const again = await owner.call<Deployment>('POST', '/deployments', body, headers);
    expect(again).toMatchObject({ id: first.id, array: first.array });
    expect((await ended(first.array!.id)).counts.succeeded).toBe(5);
  });

  test('beside others in a batch', async () => {
    const [one, many] = await owner.submitAll(cluster.id, [
      { name: 'one', ...short },
      { name: 'many', ...short, count: 3 },
    ]);
    expect(one!.array).toBeNull();
    expect(many!.array).toMatchObject({ index: 0, count: 3 });
  });

  test.each([
    [{ count: 0 }, 'count'],
    [{ count: 10_001 }, 'count'],
    [{ count: 1.5 }, 'count'],
    [{ count: 2, kind: 'service' as const }, 'count'],
    [{ array_parallel: 2 }, 'array_parallel'],
    [{ count: 3, array_parallel: 0 }, 'array_parallel'],
  ])('%j is refused, naming %s', async (input, field) => {
    const problem = await owner.refused(400, 'POST', '/deployments', submission(cluster.id, { ...short, ...input }));
    expect(problem.errors?.map((error) => error.field)).toEqual([field]);
  });

  test('of more than 10,000 in one batch is refused', async () => {
    const deployments = [6000, 6000].map((count) => submission(cluster.id, { ...short, count }));
    const problem = await owner.refused(400, 'POST', '/deployments/batch', { deployments });
    expect(problem.detail).toContain('12000');
  });
});

describe('array_parallel', () => {
  test('lets so many run at once, in order, and all in the end', async () => {
    const { id } = await submitArray({ count: 12, array_parallel: 3, env: { SIM_RUN_MS: '20' } });
    const { counts, parallel } = await ended(id);
    expect(parallel).toBe(3);
    expect(counts.succeeded).toBe(12);
    // At no admission were more than three of it under way.
    const spans = await service.sql<{ from: Date; to: Date }>(
      'select admitted_at as from, finished_at as to from deployment where array_id = $1 order by admitted_at',
      [id],
    );
    for (const { from } of spans) {
      expect(spans.filter((one) => one.from <= from && one.to > from).length).toBeLessThanOrEqual(3);
    }
    const admitted = await service.sql<{ array_index: number }>(
      'select array_index from deployment where array_id = $1 order by admitted_at, array_index',
      [id],
    );
    const firstThree = admitted.slice(0, 3).map((row) => row.array_index);
    expect(firstThree.toSorted(ascending)).toEqual([0, 1, 2]);
  });

  test('says why the others wait', async () => {
    const { id } = await submitArray({ ...small, env: {}, count: 4, array_parallel: 1 });
    const [first, second] = await elementsOf(id);
    await owner.became(first!.id, 'running');
    expect((await owner.deployment(second!.id)).waiting).toMatchObject({ reason: 'array_parallel', position: null });
    await owner.cancel(first!.id);
    await owner.became(second!.id, 'running');
    await owner.call('POST', `/arrays/${id}/cancel`);
    expect((await ended(id)).counts.cancelled).toBe(4);
  });
});

describe('verbs on all of an array', () => {
  test('retry takes up what failed, and nothing else', async () => {
    const { id } = await submitArray({ count: 6 });
    await ended(id);
    await service.sql("update deployment set status = 'failed' where array_id = $1 and array_index in (1, 4)", [id]);
    const change = await owner.call<z.infer<typeof ArrayChange>>('POST', `/arrays/${id}/retry`);
    expect(change.changed).toBe(2);
    expect((await ended(id)).counts.succeeded).toBe(6);
    expect((await elementsOf(id)).map(({ attempt }) => attempt)).toEqual([1, 2, 1, 1, 2, 1]);
  });

  test('cancel and delete stop what runs', async () => {
    const { id } = await submitArray({ ...small, env: {}, count: 5 });
    await until('all run', async () => (await arrayOf(id)).counts.running === 5);
    const answer = await owner.ask<z.infer<typeof ArrayChange>>('DELETE', `/arrays/${id}`);
    expect([202, 204]).toContain(answer.status);
    await until('it is gone', async () => (await owner.ask('GET', `/arrays/${id}`)).status === 404);
    expect(
      await service.sql(
        'select 1 from allocation a join deployment d on d.id = a.deployment_id where d.array_id = $1',
        [id],
      ),
    ).toEqual([]);
  });

  test('of another organization is 404', async () => {
    const { id } = await submitArray({ count: 2 });
    const stranger = await newOwner(service.url);
    await stranger.refused(404, 'GET', `/arrays/${id}`);
    await stranger.refused(404, 'POST', `/arrays/${id}/cancel`);
    await stranger.refused(404, 'DELETE', `/arrays/${id}`);
  });
});

describe('who waits for an array', () => {
  test('waits for all of it; for one of it where that is named', async () => {
    const name = unique('many');
    const { id } = await submitArray({ name, count: 4, array_parallel: 1 });
    const all = await owner.submit(cluster.id, { name: 'all', ...short, depends_on: [{ deployment: name }] });
    const one = await owner.submit(cluster.id, { name: 'one', ...short, depends_on: [{ deployment: `${name}[1]` }] });
    const done = await owner.became(all.id, 'succeeded');
    expect(done.dependencies).toMatchObject([{ array_id: id, deployment_id: null, name, state: 'met' }]);
    const last = (await elementsOf(id))
      .map(({ finished_at: at }) => Date.parse(at!))
      .toSorted(ascending)
      .at(-1)!;
    expect(Date.parse(done.admitted_at!)).toBeGreaterThanOrEqual(last);
    expect((await owner.became(one.id, 'succeeded')).dependencies).toMatchObject([{ name: `${name}[1]` }]);
  });

  test('is skipped where one of it failed, once all have ended', async () => {
    const many = { name: 'many', ...short, env: { SIM_RUN_MS: '0', SIM_EXIT_CODE: '2' }, count: 3 };
    const [, next] = await owner.submitAll(cluster.id, [
      many,
      { name: 'next', ...short, count: 2, depends_on: [{ deployment: 'many' }] },
    ]);
    expect((await owner.became(next!.id, 'skipped')).reason).toBe(
      'many failed (3 of its 3 failed), and next needed it to succeed',
    );
    expect((await ended(next!.array!.id)).counts.skipped).toBe(2);
  });
});
