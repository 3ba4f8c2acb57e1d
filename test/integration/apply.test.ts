/** Deployments that are declared: planned, compared, applied; against a real database and the simulated runtime. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type * as schemas from '../../src/api/schemas/apply.ts';
import {
  type Client,
  type Cluster,
  type DeploymentInput,
  newMember,
  newOwner,
  submission,
  unique,
  until,
} from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

type ApplyResult = z.infer<typeof schemas.ApplyResult>;
type DiffResult = z.infer<typeof schemas.DiffResult>;
type PlanResult = z.infer<typeof schemas.PlanResult>;

let service: TestService;
let owner: Client;

beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

const job = (cluster: Cluster, name: string, input: DeploymentInput = {}) =>
  submission(cluster.id, { kind: 'job', env: { SIM_RUN_MS: '1' }, name, ...input });
const serviceOf = (cluster: Cluster, name: string, input: DeploymentInput = {}) =>
  submission(cluster.id, { kind: 'service', docker_image: 'simulated/service', name, ...input });

type Options = Partial<Omit<z.input<typeof schemas.DeploymentPlan>, 'deployments'>>;

function apply(deployments: unknown[], options: Options = {}, client = owner): Promise<ApplyResult> {
  return client.call<ApplyResult>('POST', '/deployments/apply', { deployments, ...options });
}
function diff(deployments: unknown[], options: Options = {}): Promise<DiffResult> {
  return owner.call<DiffResult>('POST', '/deployments/diff', { deployments, ...options });
}
function plan(deployments: unknown[], options: Options = {}): Promise<PlanResult> {
  return owner.call<PlanResult>('POST', '/deployments/plan', { deployments, ...options });
}

const resultsOf = ({ deployments }: ApplyResult) => deployments.map(({ result }) => result);
const actionsOf = ({ deployments }: DiffResult | PlanResult) => deployments.map(({ action }) => action);

/** A cluster in which nothing starts: what is submitted stays queued. */
async function closedCluster(): Promise<Cluster> {
  const cluster = await owner.createCluster();
  await owner.setSchedulable(cluster.id, false);
  return cluster;
}

describe('applied', () => {
  test('again, it changes nothing and says so', async () => {
    const cluster = await owner.createCluster();
    const declared = [job(cluster, unique('once')), serviceOf(cluster, unique('web'))];
    const first = await apply(declared);
    expect(resultsOf(first)).toEqual(['created', 'created']);
    expect(first.deployments[0]!.deployment.file_set).toBe('default');
    const ids = first.deployments.map(({ deployment }) => deployment.id);
    const again = await apply(declared);
    expect(resultsOf(again)).toEqual(['unchanged', 'unchanged']);
    expect(again.deployments.map(({ deployment }) => deployment.id)).toEqual(ids);
    // A job that has run has run.
    await owner.became(ids[0]!, 'succeeded');
    await owner.became(ids[1]!, 'running');
    expect(resultsOf(await apply(declared))).toEqual(['unchanged', 'unchanged']);
    expect((await owner.all(`/deployments?cluster_id=${cluster.id}`)).length).toBe(2);
  });

  test('a queued one with another priority is changed where it is', async () => {
    const cluster = await closedCluster();
    const name = unique('urgent');
    const before = (await apply([job(cluster, name)])).deployments[0]!.deployment;
    const [after] = (await apply([job(cluster, name, { priority: 5 })])).deployments;
    expect(after).toMatchObject({
      result: 'updated',
      deployment: { id: before.id, priority: 5, queued_at: before.queued_at },
    });
    expect(after!.changes).toEqual([{ field: 'priority', path: ['priority'], from: 50, to: 5 }]);
  });

  test('a queued one is replaced, and keeps its age where it asks for the same', async () => {
    const cluster = await closedCluster();
    const name = unique('job');
    const before = (await apply([job(cluster, name)])).deployments[0]!.deployment;
    const [same] = (await apply([job(cluster, name, { command: ['other'] })])).deployments;
    expect(same).toMatchObject({
      result: 'replaced',
      replaced_id: before.id,
      deployment: { queued_at: before.queued_at },
    });
    expect(await owner.deployment(before.id)).toMatchObject({ status: 'cancelled', file_set: null });
    await service.eventsTold();
    expect((await owner.eventsOf(before.id)).map(({ type }) => type)).toContain('deployment.replaced');
    const [more] = (await apply([job(cluster, name, { command: ['other'], ram_required: 2 })])).deployments;
    expect(more!.result).toBe('replaced');
    expect(Date.parse(more!.deployment.queued_at)).toBeGreaterThan(Date.parse(before.queued_at));
    expect((await owner.all(`/deployments?cluster_id=${cluster.id}&status=queued`)).length).toBe(1);
  });

  test('a running one that differs is a conflict that names the fields, and is replaced on request', async () => {
    const cluster = await owner.createCluster();
    const name = unique('web');
    const { id } = (await apply([serviceOf(cluster, name)])).deployments[0]!.deployment;
    await owner.became(id, 'running');
    const changed = serviceOf(cluster, name, { env: { LEVEL: 'debug' }, labels: { team: 'web' } });
    const other = job(cluster, unique('other'));
    const problem = await owner.refused(409, 'POST', '/deployments/apply', { deployments: [other, changed] });
    expect(problem.code).toBe('apply_conflict');
    expect(problem.errors).toEqual([
      {
        field: 'deployments.1',
        message: `(${name}) can not be applied: it is running, and differs in env.LEVEL, labels.team`,
      },
    ]);
    // All or nothing.
    expect(actionsOf(await diff([other, changed]))).toEqual(['create', 'conflict']);
    const [replaced] = (await apply([changed], { replace: true })).deployments;
    expect(replaced).toMatchObject({ result: 'replaced', replaced_id: id });
    await owner.became(replaced!.deployment.id, 'running');
    await until(
      'the old one has ended',
      async () => !['running', 'stopping'].includes((await owner.deployment(id)).status),
    );
    expect(resultsOf(await apply([changed]))).toEqual(['unchanged']);
  });

  test('a running service is updated one replica after the other, by what its revisions say', async () => {
    const cluster = await owner.createCluster();
    const name = unique('web');
    const { id } = (await apply([serviceOf(cluster, name, { replicas: 2 })])).deployments[0]!.deployment;
    await owner.became(id, 'running');
    const changed = serviceOf(cluster, name, { replicas: 2, env: { LEVEL: 'debug' }, ram_required: 2 });
    const [planned] = (await plan([changed], { as: 'apply' })).deployments;
    expect(planned).toMatchObject({
      action: 'update',
      standing: null,
      errors: [],
      message: 'it is running, and is updated one replica after the other',
    });
    const [updated] = (await apply([changed], { replace: true })).deployments;
    expect(updated).toMatchObject({ result: 'updated', replaced_id: null, deployment: { id, status: 'running' } });
    expect(resultsOf(await apply([changed]))).toEqual(['unchanged']);
    await until('all replicas are updated', async () => !(await owner.deployment(id)).updating);
    const { items } = await owner.call<{ items: unknown[] }>('GET', `/deployments/${id}/revisions`);
    expect(items).toMatchObject([{ why: 'submitted' }, { why: 'applied', is_stable: true }]);
    await service.eventsTold();
    const types = (await owner.eventsOf(id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'replica.replacing')).toHaveLength(2);
    expect(types).not.toContain('deployment.stopping');
    // What would never fit is refused, and changes nothing.
    const huge = serviceOf(cluster, name, { replicas: 2, ram_required: 100_000 });
    expect((await plan([huge], { as: 'apply' })).deployments[0]!.errors).toHaveLength(1);
    await owner.refused(422, 'POST', '/deployments/apply', { deployments: [huge] });
    expect(resultsOf(await apply([changed]))).toEqual(['unchanged']);
  });

  test('a finished job is run again where it has changed, or on request', async () => {
    const cluster = await owner.createCluster();
    const name = unique('batch');
    const { id } = (await apply([job(cluster, name)])).deployments[0]!.deployment;
    await owner.became(id, 'succeeded');
    const [rerun] = (await apply([job(cluster, name)], { rerun: true })).deployments;
    expect(rerun).toMatchObject({ result: 'replaced', replaced_id: id, changes: [] });
    await owner.became(rerun!.deployment.id, 'succeeded');
    const [changed] = (await apply([job(cluster, name, { priority: 3 })])).deployments;
    expect(changed).toMatchObject({ result: 'replaced', replaced_id: rerun!.deployment.id });
    expect((await owner.deployment(id)).status).toBe('succeeded');
  });

  test('a service that has ended is started again', async () => {
    const cluster = await owner.createCluster();
    const declared = [serviceOf(cluster, unique('web'))];
    const { id } = (await apply(declared)).deployments[0]!.deployment;
    await owner.became(id, 'running');
    await owner.cancel(id);
    const [again] = (await apply(declared)).deployments;
    expect(again!.result).toBe('replaced');
    await owner.became(again!.deployment.id, 'running');
  });

  test('by two at once, there is one of each', async () => {
    const cluster = await closedCluster();
    const declared = Array.from({ length: 5 }, (_, i) => job(cluster, unique(`twice-${i}`)));
    const results = await Promise.all(Array.from({ length: 6 }, () => apply(declared)));
    expect(results.flatMap(resultsOf).filter((result) => result === 'created').length).toBe(5);
    expect((await owner.all(`/deployments?cluster_id=${cluster.id}`)).length).toBe(5);
  });

  test('with another cluster, it is replaced there', async () => {
    const [from, to] = [await closedCluster(), await closedCluster()];
    const name = unique('moves');
    await apply([job(from, name)]);
    const [moved] = (await apply([job(to, name)])).deployments;
    expect(moved).toMatchObject({ result: 'replaced', deployment: { cluster_id: to.id } });
    expect(moved!.changes.map(({ field }) => field)).toEqual(['cluster_id']);
  });

  test('what is submitted under the same name is somebody else', async () => {
    const cluster = await closedCluster();
    const name = unique('plain');
    const { id } = await owner.submit(cluster.id, { name });
    expect(resultsOf(await apply([job(cluster, name)]))).toEqual(['created']);
    expect((await owner.deployment(id)).status).toBe('queued');
  });
});

describe('file sets', () => {
  test('what is not declared any more is taken away on request', async () => {
    const cluster = await owner.createCluster();
    const set = unique('set');
    const [keeps, runs, waits] = [unique('keeps'), unique('runs'), unique('waits')];
    const declared = [job(cluster, keeps), serviceOf(cluster, runs), job(cluster, waits, { ram_required: 32 })];
    const made = await apply(declared, { file_set: set });
    await owner.became(made.deployments[1]!.deployment.id, 'running');
    const kept = [declared[0]];
    expect(resultsOf(await apply(kept, { file_set: set }))).toEqual(['unchanged']);
    expect(actionsOf(await diff(kept, { file_set: set, prune: true })).toSorted()).toEqual([
      'prune',
      'prune',
      'unchanged',
    ]);
    const pruned = await apply(kept, { file_set: set, prune: true });
    expect(resultsOf(pruned)).toEqual(['unchanged', 'pruned', 'pruned']);
    await until('both have ended', async () => {
      const rest = await Promise.all(
        made.deployments.slice(1).map(({ deployment }) => owner.deployment(deployment.id)),
      );
      return rest.every(
        ({ status, file_set }) => !['queued', 'running', 'stopping'].includes(status) && file_set === null,
      );
    });
    expect((await diff(kept, { file_set: set, prune: true })).differs).toBe(false);
  });

  test('a name belongs to one set', async () => {
    const cluster = await closedCluster();
    const declared = [job(cluster, unique('mine'))];
    await apply(declared, { file_set: 'blue' });
    const problem = await owner.refused(409, 'POST', '/deployments/apply', { deployments: declared, file_set: 'red' });
    expect(problem.errors?.[0]?.message).toContain('it is declared in the file set "blue"');
    // What was applied without a set may be given one.
    const plain = [job(cluster, unique('plain'))];
    await apply(plain);
    expect((await apply(plain, { file_set: 'red' })).deployments[0]).toMatchObject({
      result: 'unchanged',
      deployment: { file_set: 'red' },
    });
  });
});

test('applied, nothing differs: whatever was declared', { timeout: 300_000 }, async () => {
  const cluster = await closedCluster();
  const text = fc.stringMatching(/^[a-z]{1,6}$/);
  const input = fc.record<DeploymentInput>(
    {
      command: fc.option(fc.array(text, { maxLength: 3 })),
      env: fc.dictionary(fc.stringMatching(/^[A-Z]{1,4}$/), text, { maxKeys: 3 }),
      labels: fc.dictionary(text, text, { maxKeys: 3 }),
      ports: fc
        .uniqueArray(fc.integer({ min: 1, max: 9000 }), { maxLength: 3 })
        .map((ports) => ports.map((container) => ({ container }))),
      kind: fc.constantFrom('job', 'service'),
      ram_required: fc.integer({ min: 1, max: 8000 }).map((thousandths) => thousandths / 1000),
      cpu_required: fc.integer({ min: 1, max: 2000 }).map((thousandths) => thousandths / 1000),
      replicas: fc.integer({ min: 1, max: 3 }),
      priority: fc.integer({ min: 1, max: 100 }),
      time_limit_s: fc.option(fc.integer({ min: 1, max: 9999 })),
      stop_grace_s: fc.integer({ min: 0, max: 60 }),
      max_per_node: fc.option(fc.integer({ min: 3, max: 5 })),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(input, input, async (first, second) => {
      const name = unique('any');
      for (const one of [first, second]) {
        const declared = [submission(cluster.id, { ...one, name })];
        await apply(declared);
        expect(await diff(declared)).toMatchObject({
          differs: false,
          deployments: [{ action: 'unchanged', changes: [] }],
        });
      }
    }),
    { numRuns: 25 },
  );
});

const counts = () =>
  service.sql(
    'select (select count(*) from deployment) d, (select count(*) from event) e, (select count(*) from pass) p',
  );

describe('a plan', () => {
  test('says where it starts and what it waits for, and writes nothing', async () => {
    const cluster = await owner.createCluster({
      nodes: [
        { name: 'left', ram: 8, cpu: 4, gpus: [{ model: 'a100', memory_gb: 40, driver: 'none' }] },
        { name: 'right', ram: 4, cpu: 4, gpus: [] },
      ],
    });
    const before = await counts();
    const result = await plan([
      job(cluster, 'fits', { ram_required: 7, gpu_required: 1, priority: 1 }),
      job(cluster, 'waits', { ram_required: 8, priority: 2 }),
      job(cluster, 'never', { ram_required: 64 }),
      // To submit, names need not be different.
      job(cluster, 'fits', { ram_required: 4, priority: 3 }),
    ]);
    expect(result.deployments).toMatchObject([
      {
        action: 'create',
        errors: [],
        standing: { decision: 'place', starts_now: true, placements: [{ replica: 0, node: 'left', gpu_devices: [0] }] },
      },
      { standing: { decision: 'wait', position: 2, nearest_node: 'left', shortfall: { ram: 7 }, placements: [] } },
      { errors: [{ field: 'deployments.2.ram_required' }], standing: null },
      { standing: { decision: 'place', placements: [{ node: 'right' }] } },
    ]);
    expect(result.deployments[1]!.standing!.reason).toBe('insufficient_resources');
    expect(await counts()).toEqual(before);
  });

  test('says whom it would stop, by name', async () => {
    const cluster = await owner.createCluster({ policy: { preemption: { enabled: true, min_run_time_s: 0 } } });
    const running = await owner.submit(cluster.id, { name: 'in-the-way', ram_required: 32, priority: 90 });
    await owner.became(running.id, 'running');
    const [urgent] = (await plan([job(cluster, 'urgent', { ram_required: 16, priority: 1 })])).deployments;
    expect(urgent!.standing).toMatchObject({
      decision: 'preempt',
      starts_now: false,
      stops: [{ deployment_id: running.id, name: 'in-the-way' }],
      receipt: { highest_priority: 90, victims: [{ deployment_id: running.id, priority: 90 }] },
    });
    expect((await owner.deployment(running.id)).status).toBe('running');
  });

  test('to apply, compares with what is there', async () => {
    const cluster = await owner.createCluster();
    const [web, queued] = [unique('web'), unique('queued')];
    const made = await apply([serviceOf(cluster, web), job(cluster, queued, { ram_required: 32 })]);
    await owner.became(made.deployments[0]!.deployment.id, 'running');
    const declared = [
      serviceOf(cluster, web, { labels: { team: 'web' } }),
      job(cluster, queued, { ram_required: 2 }),
      job(cluster, unique('new')),
    ];
    const result = await plan(declared, { as: 'apply' });
    expect(actionsOf(result)).toEqual(['conflict', 'replace', 'create']);
    expect(result.deployments[0]!.changes).toEqual([{ field: 'labels.team', path: ['labels', 'team'], to: 'web' }]);
    expect(result.deployments[1]!.standing).toMatchObject({ decision: 'place' });
    expect((await owner.deployment(made.deployments[1]!.deployment.id)).status).toBe('queued');
  });
});

describe('who may', () => {
  test('viewers plan and compare, and apply nothing; others see nothing', async () => {
    const cluster = await closedCluster();
    const declared = { deployments: [job(cluster, unique('x'))] };
    const viewer = await newMember(owner, 'viewer');
    await viewer.call('POST', '/deployments/plan', declared);
    await viewer.call('POST', '/deployments/diff', declared);
    await viewer.refused(403, 'POST', '/deployments/apply', declared);
    const stranger = await newOwner(service.url);
    await stranger.refused(404, 'POST', '/deployments/plan', declared);
    await stranger.refused(404, 'POST', '/deployments/apply', declared);
  });

  test('one name in two organizations is two', async () => {
    const other = await newOwner(service.url);
    const cluster = await closedCluster();
    const theirs = await other.createCluster();
    const name = unique('same');
    await apply([job(cluster, name)]);
    expect(resultsOf(await apply([job(theirs, name)], {}, other))).toEqual(['created']);
  });
});

test('what is wrong is named', async () => {
  const cluster = await closedCluster();
  const { name: _, ...nameless } = job(cluster, 'x');
  const wrong: [unknown[], number, string][] = [
    [[nameless], 400, 'deployments.0.name'],
    [[job(cluster, 'a'), job(cluster, 'b'), job(cluster, 'a')], 400, 'deployments.2.name'],
    [[job(cluster, unique('large'), { cpu_required: 64 })], 422, 'deployments.0.cpu_required'],
  ];
  for (const [deployments, status, field] of wrong) {
    const problem = await owner.refused(status, 'POST', '/deployments/apply', { deployments });
    expect(problem.errors?.map((one: { field: string }) => one.field)).toEqual([field]);
  }
  expect(await owner.all(`/deployments?cluster_id=${cluster.id}`)).toEqual([]);
});

test('the database itself lets no name be current twice', async () => {
  const cluster = await closedCluster();
  const name = unique('unique');
  await apply([job(cluster, name)]);
  const { id } = await owner.submit(cluster.id, { name });
  const second = service.sql(`update deployment set file_set = 'default' where id = $1`, [id]);
  await expect(second).rejects.toThrow('deployment_declared');
});
