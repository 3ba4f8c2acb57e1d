/** Schedules, against a real service. Their times are set in the database: no test waits for a minute to be over. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { ScheduleRun as RunSchema, Schedule as ScheduleSchema } from '../../src/api/schemas/schedules.ts';
import {
  type Client,
  type Cluster,
  type Deployment,
  newOwner,
  submission,
  unique,
  until,
} from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

type Schedule = z.infer<typeof ScheduleSchema>;
type Run = z.infer<typeof RunSchema>;

let service: TestService;
let owner: Client;
let cluster: Cluster;

beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
  cluster = await owner.createCluster({ ram: 64, cpu: 64, gpu: 0 });
});
afterAll(() => service.stop());

const job = { kind: 'job' as const, ram_required: 0.1, cpu_required: 0.1, stop_grace_s: 0 };
const short = { ...job, env: { SIM_RUN_MS: '0' } };
const body = (input: object = {}, deployment: object = short) => ({
  name: unique('schedule'),
  // Once a year: nothing but what a test does makes it due.
  cron: '0 0 1 1 *',
  deployment: submission(cluster.id, deployment),
  ...input,
});

const create = (input: object = {}, deployment: object = short) =>
  owner.call<Schedule>('POST', '/schedules', body(input, deployment));
const runsOf = (id: string) => owner.all<Run>(`/schedules/${id}/runs`);
const madeBy = (id: string) =>
  service.sql<{ id: string; status: string }>(
    'select id, status from deployment where schedule_id = $1 order by created_at, id',
    [id],
  );

/** As if its time were so many seconds ago. */
async function makeDue(id: string, secondsAgo = 0): Promise<void> {
  await service.sql(
    "update schedule set next_at = date_trunc('milliseconds', now()) - make_interval(secs => $2) where id = $1",
    [id, secondsAgo],
  );
}

async function ran(id: string, count = 1): Promise<Run[]> {
  return until(`${count} runs`, async () => {
    const runs = await runsOf(id);
    return runs.length >= count && runs;
  });
}

/** As if the service had been away for five hours and a half. */
async function makeLate(id: string): Promise<void> {
  await service.sql("update schedule set next_at = date_trunc('hour', now()) - interval '5 hours' where id = $1", [id]);
}

async function isFarFromTheHour(): Promise<boolean> {
  const [row] = await service.sql<{ late: boolean }>(
    "select now() - date_trunc('hour', now()) between interval '65 s' and interval '59 min' as late",
  );
  return row!.late;
}

/** On time is what came less than a minute ago: then it runs in any case. */
async function notOnTheHour(): Promise<void> {
  // From a minute before the hour until 65 s after it.
  await until('the hour is not new', isFarFromTheHour, { timeoutMs: 180_000 });
}

describe('a schedule', () => {
  test('is made, read, changed, paused, resumed and deleted', async () => {
    const made = await create({ cron: '30 2 * * *', time_zone: 'Europe/Berlin' });
    expect(made).toMatchObject({ overlap: 'allow', missed: 'run_once', paused: false, version: 1 });
    expect(made.next_runs).toHaveLength(5);
    const hours = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' });
    expect(hours.format(new Date(made.next_runs[0]!))).toBe('02:30');
    expect(await owner.get<Schedule>(`/schedules/${made.id}`)).toEqual(made);
    expect((await owner.all<Schedule>(`/schedules?name=${made.name}`)).map(({ id }) => id)).toEqual([made.id]);

    const changed = await owner.call<Schedule>('PATCH', `/schedules/${made.id}`, { cron: '@hourly', time_zone: 'UTC' });
    expect(changed).toMatchObject({ cron: '@hourly', version: 2 });
    expect(changed.next_runs[0]).toMatch(/:00:00\.000Z$/);
    const paused = await owner.call<Schedule>('POST', `/schedules/${made.id}/pause`);
    expect(paused).toMatchObject({ paused: true, next_runs: [] });
    const resumed = await owner.call<Schedule>('POST', `/schedules/${made.id}/resume`);
    expect(resumed.next_runs).toHaveLength(5);
    await owner.call('DELETE', `/schedules/${made.id}`);
    await owner.refused(404, 'GET', `/schedules/${made.id}`);
  });

  test('submits when it is due, once, and goes on', async () => {
    const { id, name } = await create({}, { ...short, priority: 7, count: 3 });
    await makeDue(id);
    const [run] = await ran(id);
    expect(run).toMatchObject({ outcome: 'submitted', cause: 'schedule' });
    const deployment = await owner.deployment(run!.deployment_id!);
    expect(deployment).toMatchObject({ schedule_id: id, name, priority: 7, array: { count: 3 } });
    expect(deployment.env['HYPERVISOR_SCHEDULED_FOR']).toBe(run!.due_at);
    expect((await owner.get<Schedule>(`/schedules/${id}`)).next_runs[0]).toMatch(/-01-01T00:00:00/);
    expect(await madeBy(id)).toHaveLength(3);
  });

  test('is run by a person, also while it is paused', async () => {
    const { id } = await create({ paused: true });
    const run = await owner.call<Run>('POST', `/schedules/${id}/run`);
    await owner.became(run.deployment_id!, 'succeeded');
    expect(await runsOf(id)).toMatchObject([{ cause: 'person', outcome: 'submitted' }]);
  });

  test('that can submit nothing says why, and goes on', async () => {
    const { id } = await create();
    await service.sql(
      `update schedule set deployment = jsonb_set(deployment, '{ram_required}', '1000') where id = $1`,
      [id],
    );
    await makeDue(id);
    const [run] = await ran(id);
    expect(run).toMatchObject({ outcome: 'refused', deployment_id: null });
    expect(run!.message).toContain('1000 GB');
    expect((await owner.get<Schedule>(`/schedules/${id}`)).next_runs).toHaveLength(5);
  });

  test.each([
    [{ cron: '* * * *' }, 'cron'],
    [{ cron: '61 * * * *' }, 'cron'],
    [{ cron: '0 0 30 2 *' }, 'cron'],
    [{ time_zone: 'Mars/Base' }, 'time_zone'],
    [{ overlap: 'maybe' }, 'overlap'],
    [{ missed_max: 0 }, 'missed_max'],
    [{ name: 'a b' }, 'name'],
  ])('with %j is refused, naming %s', async (input, field) => {
    const problem = await owner.refused(400, 'POST', '/schedules', body(input));
    expect(problem.errors?.map((error) => error.field)).toEqual([field]);
  });

  test('of what can never run is refused, as its submission would be', async () => {
    const problem = await owner.refused(422, 'POST', '/schedules', body({}, { ...short, ram_required: 1000 }));
    expect(problem.errors?.map((error) => error.field)).toEqual(['deployment.ram_required']);
    const unknown = { ...short, depends_on: [{ deployment: 'no-such-thing' }] };
    const other = await owner.refused(400, 'POST', '/schedules', body({}, unknown));
    expect(other.errors?.map((error) => error.field)).toEqual(['deployment.depends_on.0.deployment']);
  });

  test('of another organization is 404, and its name is taken only in its own', async () => {
    const { id, name } = await create();
    const stranger = await newOwner(service.url);
    for (const path of ['', '/runs']) await stranger.refused(404, 'GET', `/schedules/${id}${path}`);
    for (const verb of ['run', 'pause', 'resume']) await stranger.refused(404, 'POST', `/schedules/${id}/${verb}`);
    await stranger.refused(404, 'DELETE', `/schedules/${id}`);
    await stranger.refused(404, 'POST', '/schedules', body());
    expect((await owner.refused(409, 'POST', '/schedules', body({ name }))).code).toBe('name_taken');
  });
});

describe('overlap', () => {
  test('forbid: nothing is submitted while what was before runs', async () => {
    const { id } = await create({ overlap: 'forbid' }, { ...job, env: {} });
    await makeDue(id);
    const [first] = await ran(id);
    await owner.became(first!.deployment_id!, 'running');
    await makeDue(id);
    const [second] = await ran(id, 2);
    expect(second).toMatchObject({ outcome: 'overlapped', deployment_id: first!.deployment_id });
    expect((await owner.refused(409, 'POST', `/schedules/${id}/run`)).code).toBe('schedule_not_run');
    expect(await madeBy(id)).toHaveLength(1);
    await owner.cancel(first!.deployment_id!);
    await owner.became(first!.deployment_id!, 'cancelled');
    await owner.call('POST', `/schedules/${id}/run`);
  });

  test('replace: what was before is cancelled, and the new one begins when that has ended', async () => {
    const { id } = await create({ overlap: 'replace' }, { ...job, env: {} });
    await makeDue(id);
    const [first] = await ran(id);
    await owner.became(first!.deployment_id!, 'running');
    const second = await owner.call<Run>('POST', `/schedules/${id}/run`);
    await owner.became(second.deployment_id!, 'running');
    const before = await owner.became(first!.deployment_id!, 'cancelled');
    const after = await owner.deployment(second.deployment_id!);
    expect(Date.parse(after.admitted_at!)).toBeGreaterThanOrEqual(Date.parse(before.finished_at!));
  });

  test('allow: both run', async () => {
    const { id } = await create({}, { ...job, env: {} });
    for (let run = 0; run < 2; run += 1) await owner.call('POST', `/schedules/${id}/run`);
    await until('both run', async () => (await madeBy(id)).filter(({ status }) => status === 'running').length === 2);
  });
});

describe('times at which nobody looked', () => {
  const hourly = { cron: '@hourly' };

  test('are skipped, run once, or run each, as it says', async () => {
    await notOnTheHour();
    const skips = await create({ ...hourly, missed: 'skip' });
    const once = await create({ ...hourly, missed: 'run_once' });
    const all = await create({ ...hourly, missed: 'run_all', missed_max: 4 });
    for (const { id } of [skips, once, all]) await makeLate(id);
    expect(await ran(skips.id)).toMatchObject([
      { outcome: 'missed', message: expect.stringContaining('6 of its times') },
    ]);
    expect((await ran(once.id, 2)).map(({ outcome }) => outcome).toSorted()).toEqual(['missed', 'submitted']);
    const each = (await ran(all.id, 5)).filter(({ outcome }) => outcome === 'submitted');
    expect(new Set(each.map(({ due_at: due }) => due)).size).toBe(4);
    expect(await madeBy(skips.id)).toHaveLength(0);
    expect(await madeBy(once.id)).toHaveLength(1);
    expect(await madeBy(all.id)).toHaveLength(4);
  });

  test('that were acted upon are not acted upon again, wherever the clock jumps', async () => {
    await notOnTheHour();
    const { id } = await create({ ...hourly, missed: 'run_all', missed_max: 100 });
    await makeLate(id);
    await ran(id, 6);
    // Set back by hours: all of it is due once more.
    await makeLate(id);
    await until('it was looked at', async () => {
      const [row] = await service.sql<{ ahead: boolean }>(
        'select next_at > now() as ahead from schedule where id = $1',
        [id],
      );
      return row!.ahead;
    });
    expect(await runsOf(id)).toHaveLength(6);
    expect(await madeBy(id)).toHaveLength(6);
  });
});

test('two services that look at the same schedules submit each time once', async () => {
  const second = await startTestService({ config: { databaseUrl: service.databaseUrl } });
  try {
    const made = await Promise.all(Array.from({ length: 12 }, () => create()));
    for (const { id } of made) await makeDue(id);
    for (const { id } of made) await ran(id);
    for (const { id } of made) expect(await madeBy(id)).toHaveLength(1);
  } finally {
    await second.stop();
  }
});

test('what was due when the clock was ahead does not keep a schedule from its next time', async () => {
  const { id, next_runs: before } = await create({ cron: '@hourly' });
  await service.sql("update schedule set next_at = now() + interval '300 days' where id = $1", [id]);
  // Whoever takes over looks at all of them anew, as after a start.
  await service.sql("update lease set process_id = null where name = 'duty/upkeep'");
  const next = await until('it is looked at once more', async () => {
    const [row] = await service.sql<{ next_at: Date }>('select next_at from schedule where id = $1', [id]);
    return row!.next_at.getTime() < Date.now() + 7_200_000 && row!.next_at;
  });
  expect(next.getTime()).toBeGreaterThanOrEqual(Date.parse(before[0]!));
});

test('events tell of it', async () => {
  const { id, name } = await create();
  await owner.call<Deployment>('POST', `/schedules/${id}/run`);
  await service.eventsTold();
  const events = await service.sql<{ type: string }>(
    "select type from event where data->>'schedule_id' = $1 order by tx, id",
    [id],
  );
  expect(events.map(({ type }) => type)).toEqual(['schedule.created', 'schedule.run']);
  expect(name).not.toBe('');
});
