/** Deployments that wait for others, on the simulated runtime. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Client,
  type Cluster,
  type Deployment,
  type DeploymentInput,
  newOwner,
  type QueueEntry,
  submission,
  unique,
  until,
} from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let owner: Client;
let cluster: Cluster;

beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
  cluster = await owner.createCluster({ ram: 64, cpu: 64, gpu: 0 });
});
afterAll(() => service.stop());

/** A job that ends with this code after so many milliseconds; without those it runs until it is stopped. */
function job(name: string, input: DeploymentInput & { exit?: number; ms?: number | null } = {}): DeploymentInput {
  const { exit = 0, ms = 0, ...rest } = input;
  const env = { SIM_EXIT_CODE: String(exit), ...(ms === null ? {} : { SIM_RUN_MS: String(ms) }) };
  return { name, kind: 'job', env, ram_required: 0.1, cpu_required: 0.1, stop_grace_s: 0, ...rest };
}

const after = (deployment: string, condition: 'succeeded' | 'failed' | 'any' = 'succeeded') => ({
  depends_on: [{ deployment, condition }],
});

async function eventTypes(id: string): Promise<string[]> {
  await service.eventsTold();
  return (await owner.eventsOf(id)).map(({ type }) => type.replace('deployment.', ''));
}

async function submitted(inputs: DeploymentInput[]): Promise<Map<string, Deployment>> {
  const made = await owner.submitAll(cluster.id, inputs);
  return new Map(made.map((one) => [one.name, one]));
}

async function fieldsOf(path: string, body: unknown): Promise<string> {
  const problem = await owner.refused(400, 'POST', path, body);
  return (problem.errors ?? []).map(({ field, message }) => `${field} ${message}`).join('\n');
}

describe('what waits for another', () => {
  test('is queued, out of the queue of the cluster, and says for whom; and runs when that has succeeded', async () => {
    const build = await owner.submit(cluster.id, job(unique('build'), { ms: null }));
    const next = await owner.submit(cluster.id, job('test', after(build.id)));
    expect(next).toMatchObject({ status: 'queued', unmet_dependencies: 1 });
    await owner.became(build.id, 'running');

    const waiting = await owner.deployment(next.id);
    expect(waiting.waiting).toMatchObject({ reason: 'dependencies', position: null, waits_for: [build.id] });
    expect(waiting.waiting?.message).toBe(`it waits for ${build.name} (running) to succeed`);
    expect(waiting.dependencies).toEqual([
      { deployment_id: build.id, array_id: null, name: build.name, condition: 'succeeded', state: 'waiting' },
    ]);
    const queue = await owner.all<QueueEntry>(`/clusters/${cluster.id}/queue`);
    expect(queue.map((one) => one.deployment_id)).not.toContain(next.id);
    const pass = await owner.schedule(cluster.id);
    expect(pass.decisions.map((one) => one.deployment_id)).not.toContain(next.id);

    // It does not succeed when it is stopped: that is in another test.
    await service.sql("update deployment set kind = 'service' where id = $1", [build.id]);
    await owner.stop(build.id);
    await owner.became(build.id, 'succeeded');
    const done = await owner.became(next.id, 'succeeded');
    expect(done.dependencies).toMatchObject([{ state: 'met' }]);
    expect(Date.parse(done.queued_at)).toBeGreaterThanOrEqual(Date.parse(done.created_at));
    expect(await eventTypes(next.id)).toEqual(['submitted', 'released', 'admitted', 'started', 'succeeded']);
  });

  test('is skipped where that failed, with the reason; and so is who waits for it, to the end of the chain', async () => {
    const made = await submitted([
      // In any order: those of one request find each other by name.
      job('deploy', after('test')),
      job('test', after('build')),
      job('build', { exit: 1 }),
      job('alarm', after('build', 'failed')),
      job('tidy', after('deploy', 'any')),
      job('party', after('build', 'any')),
    ]);
    const ended = new Map<string, Deployment>();
    for (const [name, { id }] of made) {
      ended.set(name, await owner.became(id, 'succeeded', 'failed', 'skipped'));
    }
    expect(Object.fromEntries([...ended].map(([name, { status }]) => [name, status]))).toEqual({
      build: 'failed',
      test: 'skipped',
      deploy: 'skipped',
      alarm: 'succeeded',
      tidy: 'succeeded',
      party: 'succeeded',
    });
    expect(ended.get('test')).toMatchObject({
      reason_code: 'dependency_not_met',
      reason: 'build failed (exited with 1), and test needed it to succeed',
    });
    expect(ended.get('deploy')?.reason).toBe(
      'build failed (exited with 1), so test was skipped, and deploy needed it to succeed',
    );
    expect(await eventTypes(made.get('deploy')!.id)).toEqual(['submitted', 'skipped']);
    // Nothing was ever held for them.
    expect(await service.sql('select 1 from replica where deployment_id = $1', [made.get('test')!.id])).toEqual([]);
  });

  test('is skipped to the end of a chain of 300', async () => {
    const chain = Array.from({ length: 300 }, (_, index) =>
      job(`link-${index}`, index === 0 ? { exit: 3 } : after(`link-${index - 1}`)),
    );
    const made = await submitted(chain);
    const last = await owner.became(made.get('link-299')!.id, 'skipped');
    expect(last.reason).toContain('link-0 failed (exited with 3), so link-1, link-2, link-3, link-4, 290 more');
    const rows = await service.sql(
      "select status, count(*)::int as n from deployment where name like 'link-%' group by 1",
    );
    expect(rows.toSorted((a, b) => a['n'] - b['n'])).toEqual([
      { status: 'failed', n: 1 },
      { status: 'skipped', n: 299 },
    ]);
  });

  test('waits for all that it names', async () => {
    const first = await owner.submit(cluster.id, job(unique('first')));
    const second = await owner.submit(cluster.id, job(unique('second'), { ms: null }));
    const both = [{ deployment: first.name }, { deployment: second.name, condition: 'any' as const }];
    const third = await owner.submit(cluster.id, job('third', { depends_on: both }));
    await until('one of two is met', async () => (await owner.deployment(third.id)).unmet_dependencies === 1);
    expect((await owner.deployment(third.id)).status).toBe('queued');
    await owner.cancel(second.id);
    await owner.became(third.id, 'succeeded');
  });

  test('waits for nothing that has ended as it had to already', async () => {
    const done = await owner.submit(cluster.id, job(unique('done')));
    await owner.became(done.id, 'succeeded');
    const next = await owner.submit(cluster.id, job('next', after(done.name)));
    await owner.became(next.id, 'succeeded');
    const bad = await owner.submit(cluster.id, job('bad', after(done.name, 'failed')));
    expect((await owner.became(bad.id, 'skipped')).reason).toBe(`${done.name} succeeded, and bad needed it to fail`);
  });

  test('can be cancelled, and waits no more then', async () => {
    const build = await owner.submit(cluster.id, job(unique('build'), { ms: null }));
    const next = await owner.submit(cluster.id, job('test', after(build.id)));
    expect((await owner.cancel(next.id)).status).toBe('cancelled');
    await owner.cancel(build.id);
    await owner.became(build.id, 'cancelled');
    expect((await owner.deployment(next.id)).status).toBe('cancelled');
    // Withdrawn by a person, and then tried again by one: it has to wait once more, in vain.
    await owner.call('POST', `/deployments/${next.id}/retry`);
    expect((await owner.became(next.id, 'skipped')).reason).toBe(
      `${build.name} was cancelled, and test needed it to succeed`,
    );
  });
});

describe('a retry', () => {
  test('of what failed revives nobody; of what was skipped looks again', async () => {
    const made = await submitted([job('build', { exit: 1 }), job('test', after('build'))]);
    const [build, next] = [made.get('build')!, made.get('test')!];
    await owner.became(next.id, 'skipped');
    await owner.call('POST', `/deployments/${next.id}/retry`);
    await owner.became(next.id, 'skipped');
    await service.sql(`update deployment set env = '{"SIM_RUN_MS":"0"}' where id = $1`, [build.id]);
    await owner.call('POST', `/deployments/${build.id}/retry`);
    await owner.became(build.id, 'succeeded');
    expect((await owner.deployment(next.id)).status).toBe('skipped');
    await owner.call('POST', `/deployments/${next.id}/retry`);
    await owner.became(next.id, 'succeeded');
  });
});

describe('what others wait for', () => {
  test('is deleted only by force, and they are skipped then', async () => {
    const build = await owner.submit(cluster.id, job(unique('build'), { ms: null }));
    const next = await owner.submit(cluster.id, job(unique('test'), after(build.id)));
    const any = await owner.submit(cluster.id, job('any', after(build.id, 'any')));
    const problem = await owner.refused(409, 'DELETE', `/deployments/${build.id}`);
    expect(problem.code).toBe('has_dependents');
    expect(problem.detail).toContain(`any, ${next.name} wait for it`);
    await owner.call('DELETE', `/deployments/${build.id}?force=true`);
    expect((await owner.became(next.id, 'skipped')).reason).toContain(`${build.name} was deleted`);
    await owner.became(any.id, 'succeeded');
  });
});

describe('is refused, with the field named', () => {
  test('a name that means nothing', async () => {
    const message = await fieldsOf('/deployments', submission(cluster.id, job('a', after('no-such-thing'))));
    expect(message).toContain('depends_on.0.deployment is "no-such-thing", and there is no such deployment');
    const deployments = [job('a'), job('b', after('c'))].map((one) => submission(cluster.id, one));
    expect(await fieldsOf('/deployments/batch', { deployments })).toContain('deployments.1.depends_on.0.deployment');
  });

  test('what belongs to another organization', async () => {
    const stranger = await newOwner(service.url);
    const theirs = await stranger.submit((await stranger.createCluster()).id, job('theirs'));
    expect(await fieldsOf('/deployments', submission(cluster.id, job('a', after(theirs.id))))).toContain('no such');
  });

  test('a circle, with its names', async () => {
    const inputs = [job('a', after('c')), job('b', after('a')), job('c', after('b')), job('d', after('c'))];
    const deployments = inputs.map((one) => submission(cluster.id, one));
    expect(await fieldsOf('/deployments/batch', { deployments })).toBe(
      'deployments.0.depends_on leads back to itself: a waits for c waits for b waits for a',
    );
    expect(
      await service.sql("select 1 from dependency x join deployment d on d.id = x.deployment_id where d.name = 'd'"),
    ).toEqual([]);
  });

  test('a condition that there is not', async () => {
    const wrong = { ...job('a'), depends_on: [{ deployment: 'b', condition: 'maybe' }] };
    expect(await fieldsOf('/deployments', { ...submission(cluster.id), ...wrong })).toContain('depends_on.0.condition');
  });
});

test('an end that nobody was told of is found all the same', async () => {
  const build = await owner.submit(cluster.id, job(unique('build'), { ms: null }));
  const next = await owner.submit(cluster.id, job('test', after(build.id)));
  const deploy = await owner.submit(cluster.id, job('deploy', after(next.id)));
  await owner.became(build.id, 'running');
  // As if the process had died right after the commit: the row says so, and no hint was sent.
  await service.sql('delete from allocation where deployment_id = $1', [build.id]);
  await service.sql(
    "update replica set status = 'ended', cleaned = true, exit_code = 0, finished_at = now() where deployment_id = $1",
    [build.id],
  );
  await service.sql(
    "update deployment set status = 'failed', reason = 'exited with 1', finished_at = now() where id = $1",
    [build.id],
  );
  await owner.became(next.id, 'skipped');
  await owner.became(deploy.id, 'skipped');
});

test('no deployment that waits for others can be started, whatever starts it', async () => {
  const build = await owner.submit(cluster.id, job(unique('build'), { ms: null }));
  const next = await owner.submit(cluster.id, job('test', after(build.id)));
  const start = service.sql("update deployment set status = 'starting' where id = $1", [next.id]);
  await expect(start).rejects.toThrow('deployment_held_does_not_run');
  await owner.cancel(build.id);
});
