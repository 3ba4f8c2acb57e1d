/** What must have come of everything once nothing goes wrong any more. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type pg from 'pg';
import type { EngineEvent, EnginePort } from '../support/engine-port.ts';
import type { Findings } from './findings.ts';
import { containersOn, networksOn, runningOn } from './our-containers.ts';
import { type Outcome, outcomeFault } from './outcome.ts';
import type { Asked, Promises } from './promises.ts';
import { type Run, readRuns } from './runs.ts';

export interface Aftermath {
  readonly db: pg.Pool;
  readonly redisUrl: string;
  readonly engine: EnginePort;
  readonly engineEvents: readonly EngineEvent[];
  readonly installationId: string;
  readonly promises: Promises;
  readonly findings: Findings;
  readonly say: (message: string) => void;
}

const endMs = 90_000;
const lookMs = 200;

/**
 * Asks until there is nothing to complain of. What it says last is what was found, where that takes too long. As long as others come to
 * their end, whatever waits behind them is in time: what a busy machine has queued up takes minutes. Who gives no answer in time is asked
 * again, too.
 */
async function untilNothing(db: pg.Pool, look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  let ended = 0;
  let until = performance.now() + endMs;
  for (;;) {
    // An engine that is busy may take minutes to answer: only what is seen when the time is over counts.
    const isOver = performance.now() > until;
    const found = await look().catch((error: unknown) => [`it could not be seen: ${String(error)}`]);
    if (found.length === 0) return found;
    const now = await countEnded(db).catch(() => ended);
    if (now > ended) until = performance.now() + endMs;
    else if (isOver) return found;
    ended = now;
    await sleep(lookMs);
  }
}

/** Asks again where there is no answer in time: only what goes on for so long is a failure. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + endMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > until) throw error;
    }
    await sleep(lookMs);
  }
}

async function countEnded(db: pg.Pool): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int as count from deployment where status not in ('queued', 'starting', 'running', 'stopping')`,
  );
  return rows[0]?.count ?? 0;
}

/** Each service that nobody ended runs as often as was acknowledged last, and no more. */
export async function auditServices(aftermath: Aftermath): Promise<void> {
  const { db, promises, findings } = aftermath;
  const faults = await untilNothing(db, async () => {
    const all = await Promise.all(promises.goingOn.map((asked) => serviceFault(aftermath, asked)));
    return all.filter((fault) => fault !== null);
  });
  for (const fault of faults) findings.add('acknowledged and not kept', fault);
  if (faults.length > 0) aftermath.say(await patiently(() => whatIsThere(db)));
}

/** Of everything that has not ended, as the database has it: where a service is missing, this says what it waits for. */
async function whatIsThere(db: pg.Pool): Promise<string> {
  const { rows } = await db.query<{ line: string }>(`
    select format('%s %s (%s) in cluster %s: %s, %s replicas of %s GB and %s cores, priority %s, queued %s; %s; %s', d.kind, d.name, d.id,
                  d.cluster_id, d.status, d.replicas, d.ram_required, d.cpu_required, d.priority, d.queued_at,
                  coalesce(d.reason, '-'),
                  (select coalesce(string_agg(format('replica %s run %s is %s (%s)', r.index, r.run, r.status, coalesce(r.reason, '-')), ', '), 'no replicas')
                     from replica r where r.deployment_id = d.id and r.attempt = d.attempt)) as line
      from deployment d where d.status in ('queued', 'starting', 'running', 'stopping') order by d.cluster_id, d.status, d.queued_at`);
  return ['What has not ended:', ...rows.map(({ line }) => `  ${line}`)].join('\n');
}

/** Null: it is as it was promised. */
async function serviceFault({ db, engine, installationId }: Aftermath, asked: Asked): Promise<string | null> {
  const { id, replicas, runtime } = asked;
  const name = `${asked.name} (${id})`;
  const { rows } = await db.query<{
    status: string;
    replicas: number;
    updating: boolean;
    queued: number;
    simulated: number;
  }>(
    `select status, replicas, updating,
            (select count(*)::int from deployment o where o.cluster_id = d.cluster_id and o.status = 'queued') as queued,
            (select count(*)::int from simulated_container c where c.deployment_id = d.id and started_at is not null and ended_at is null) as simulated
       from deployment d where id = $1`,
    [id],
  );
  const [now] = rows;
  if (now === undefined) return `${name} is not there`;
  const others = `${now.queued} are queued in its cluster`;
  if (now.status !== 'running' || now.updating)
    return `${name} is ${now.status}${now.updating ? ' and being updated' : ''}; ${others}`;
  if (now.replicas !== replicas)
    return `${name}: ${replicas} replicas were acknowledged, and ${now.replicas} are wanted`;
  const running =
    runtime === 'simulated'
      ? now.simulated
      : (await runningOn(engine, installationId)).filter(({ deploymentId }) => deploymentId === id).length;
  return running === replicas ? null : `${name}: ${running} of its ${replicas} containers run; ${others}`;
}

/** All has ended as it had to, once, and nothing is left of it anywhere. */
export async function auditEnd(aftermath: Aftermath): Promise<void> {
  const { db, findings } = aftermath;
  for (const open of await untilNothing(db, () => whatIsOpen(db))) findings.add('not ended in the end', open);
  for (const left of await untilNothing(db, () => whatIsLeft(aftermath))) findings.add('left behind', left);
  const runs = await patiently(() => readRuns(db, aftermath.engineEvents));
  auditRuns(runs, findings);
  await auditOutcomes(aftermath, runs);
}

async function whatIsOpen(db: pg.Pool): Promise<string[]> {
  const { rows } = await db.query<{ id: string; status: string; attempt: number }>(
    `select id, status, attempt from deployment where status in ('queued', 'starting', 'running', 'stopping') order by id`,
  );
  return rows.map(({ id, status, attempt }) => `${id} is ${status} in attempt ${attempt}`);
}

async function whatIsLeft({ db, redisUrl, engine, installationId }: Aftermath): Promise<string[]> {
  const { rows } = await db.query<Record<string, number>>(`
    select (select count(*)::int from allocation) as allocations,
           (select count(*)::int from node where (ram_allocated, cpu_allocated, gpu_allocated) <> (0, 0, 0)) as "counters of nodes",
           (select count(*)::int from gpu_device where allocated <> 0) as "counters of devices",
           (select count(*)::int from replica where status <> 'ended' or not cleaned) as replicas,
           (select count(*)::int from replica_run where not cleaned) as runs,
           (select count(*)::int from simulated_container) as "simulated containers"`);
  const counts = {
    ...rows[0],
    'containers of the engine': (await containersOn(engine, installationId)).length,
    'networks of the engine': (await networksOn(engine, installationId)).length,
    'tasks in Redis': await tasksIn(redisUrl),
  };
  const left = Object.entries(counts).filter(([, count]) => count > 0);
  return left.map(([what, count]) => `${count} ${what}`);
}

/** Keys of BullMQ that stand for a task, whatever has become of it. */
async function tasksIn(url: string): Promise<number> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys('bull:*');
    return keys.filter((key) => /^bull:[^:]+:(start|stop|replace|clean)-/.test(key)).length;
  } finally {
    redis.disconnect();
  }
}

/** No replica ran twice at once, and no run of it twice at all. */
function auditRuns(runs: readonly Run[], findings: Findings): void {
  const last = new Map<string, Run>();
  const names = new Set<string>();
  for (const run of runs) {
    const replica = `${run.deploymentId}/${run.replica}`;
    const name = `${replica}, attempt ${run.attempt}, run ${run.run}`;
    if (names.has(name)) findings.add('run twice at once', `${name} was begun twice`);
    names.add(name);
    const before = last.get(replica);
    if (before !== undefined && (before.ended === null || before.ended > run.began))
      findings.add(
        'run twice at once',
        `${name} began before run ${before.run} of attempt ${before.attempt} had ended`,
      );
    last.set(replica, run);
  }
}

interface Row extends Outcome {
  readonly name: string;
  readonly submitted: number;
  readonly admitted: number;
  readonly ends: number;
}

async function auditOutcomes({ db, promises, findings }: Aftermath, runs: readonly Run[]): Promise<void> {
  const { rows } = await patiently(() =>
    db.query<Row>(`
    select d.id, d.name, d.status, d.attempt, d.reason_code,
           count(*) filter (where e.type = 'deployment.submitted')::int as submitted,
           count(*) filter (where e.type = 'deployment.admitted')::int as admitted,
           count(*) filter (where e.type in ('deployment.succeeded', 'deployment.failed', 'deployment.cancelled'))::int as ends
      from deployment d left join event e on e.deployment_id = d.id group by d.id order by d.id`),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const askedByName = new Map(promises.all.map((asked) => [asked.name, asked]));
  const runsOf = groupRuns(runs);
  for (const { id, name, endedIn } of promises.all) {
    const row = id === null ? undefined : byId.get(id);
    if (row === undefined) findings.add('lost', `${name} (${id}) was acknowledged, and is not there`);
    else if (endedIn !== null && row.attempt !== endedIn)
      findings.add(
        'acknowledged and not kept',
        `${name} (${id}): its end in attempt ${endedIn} was acknowledged, and it ended in attempt ${row.attempt}`,
      );
  }
  for (const row of rows) {
    const asked = askedByName.get(row.name);
    const told = `${row.name} (${row.id}) is ${row.status} (${row.reason_code}) in attempt ${row.attempt}`;
    if (asked === undefined || asked.id !== row.id) {
      findings.add('wrong outcome', `${told}, but nobody submitted it, or it was submitted twice`);
      continue;
    }
    if (row.submitted !== 1 || row.ends !== 1 || row.admitted > row.attempt)
      findings.add(
        'freed other than once',
        `${told}: submitted ${row.submitted}, admitted ${row.admitted}, ended ${row.ends} times`,
      );
    const fault = outcomeFault(row, asked, runsOf.get(row.id) ?? []);
    if (fault !== null) findings.add('wrong outcome', `${told}, but ${fault}`);
  }
}

function groupRuns(runs: readonly Run[]): Map<string, Run[]> {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const group = groups.get(run.deploymentId) ?? [];
    group.push(run);
    groups.set(run.deploymentId, group);
  }
  return groups;
}
