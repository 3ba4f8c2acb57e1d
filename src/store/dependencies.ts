/**
 * Who waits for others, in the database. What has ended is found by looking, not by hearing of it: whoever ends something need not
 * know that somebody waits for it, and a crash between the two loses nothing.
 */
import { sql } from 'kysely';
import {
  type Condition,
  type DependencyState,
  decide,
  type End,
  endOfArray,
  type SkipChain,
  stateOf,
  type Upstream,
  type Verdict,
} from '../core/dependencies.ts';
import type { DeploymentStatus, FinalStatus } from '../core/lifecycle.ts';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type NewEvent } from './events.ts';
import type { Scope } from './scope.ts';

/** Bounds a transaction: the next follows at once. */
const dependentsMax = 1000;

export interface Settled {
  /** How many were let go or skipped, or wait for less than before. */
  readonly dependents: number;
  /** Where something may run now that might not before. */
  readonly clusterIds: readonly string[];
}

/**
 * Lets go whose dependencies are met, and skips whose can't be met any more: those who wait for something that has ended, at most a
 * thousand. Whoever waits for one that is skipped here is found by the next call.
 */
export async function settleDependencies(db: Database): Promise<Settled> {
  const ids = await whoseUpstreamHasEnded(db);
  if (ids.length === 0) return { dependents: 0, clusterIds: [] };
  return db.transaction().execute(async (tx) => {
    const waiting = await lockWaiting(tx, ids);
    const open = await readOpen(
      tx,
      waiting.map(({ id }) => id),
    );
    const decided = waiting.map((row): Decided => {
      const dependencies = open.get(row.id) ?? [];
      return { row, dependencies, verdict: decide({ name: row.name, open: dependencies }) };
    });
    await writeStates(tx, decided);
    await writeVerdicts(tx, decided);
    await appendEvents(tx, decided.flatMap(eventsOf));
    const released = decided.filter(({ verdict }) => verdict.kind === 'release');
    return { dependents: decided.length, clusterIds: [...new Set(released.map(({ row }) => row.cluster_id))] };
  });
}

interface WaitingRow {
  readonly id: string;
  readonly organization_id: string;
  readonly cluster_id: string;
  readonly name: string;
}

interface OpenDependency {
  readonly position: number;
  readonly condition: Condition;
  readonly upstream: Upstream;
}

interface Decided {
  readonly row: WaitingRow;
  readonly dependencies: readonly OpenDependency[];
  readonly verdict: Verdict;
}

async function whoseUpstreamHasEnded(db: Database): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with open as materialized (
      select w.id, x.upstream_id, x.upstream_array_id
        from deployment w join dependency x on x.deployment_id = w.id and x.state = 'waiting'
       where w.status = 'queued' and w.unmet_dependencies > 0
    ), ended_array as materialized (
      select a.id from (select distinct upstream_array_id as id from open where upstream_array_id is not null) a
       where not exists (select 1 from deployment e
                          where e.array_id = a.id and e.status in ('queued', 'starting', 'running', 'stopping'))
    ), ended as materialized (
      select u.id from (select distinct upstream_id as id from open where upstream_id is not null) o
        join deployment u using (id) where u.status not in ('queued', 'starting', 'running', 'stopping')
    )
    select distinct o.id from open o
     where (o.upstream_id is null and o.upstream_array_id is null)
        or o.upstream_id in (select id from ended) or o.upstream_array_id in (select id from ended_array)
     order by o.id limit ${dependentsMax}`.execute(db);
  return rows.map(({ id }) => id);
}

/** In the order of ids, as everybody locks deployments. Whoever was cancelled meanwhile waits no more. */
async function lockWaiting(tx: InTransaction, ids: readonly string[]): Promise<WaitingRow[]> {
  const { rows } = await sql<WaitingRow>`
    select id, organization_id, cluster_id, name from deployment
     where id = any(${[...ids]}::uuid[]) and status = 'queued' and unmet_dependencies > 0
     order by id for no key update`.execute(tx);
  return rows;
}

interface OpenRow {
  deployment_id: string;
  position: number;
  condition: Condition;
  upstream_name: string;
  upstream_array_id: string | null;
  status: DeploymentStatus | null;
  reason: string | null;
  skip_chain: SkipChain | null;
}

async function readOpen(tx: InTransaction, ids: readonly string[]): Promise<Map<string, OpenDependency[]>> {
  const { rows } = await sql<OpenRow>`
    select x.deployment_id, x.position, x.condition, x.upstream_name, x.upstream_array_id, u.status, u.reason, u.skip_chain
      from dependency x left join deployment u on u.id = x.upstream_id
     where x.deployment_id = any(${[...ids]}::uuid[]) and x.state = 'waiting'
     order by x.deployment_id, x.position`.execute(tx);
  const arrays = await readArrayEnds(tx, [...new Set(rows.flatMap((row) => row.upstream_array_id ?? []))]);
  const open = new Map<string, OpenDependency[]>();
  for (const row of rows) {
    const dependency = { position: row.position, condition: row.condition, upstream: upstreamOf(row, arrays) };
    const before = open.get(row.deployment_id);
    if (before === undefined) open.set(row.deployment_id, [dependency]);
    else before.push(dependency);
  }
  return open;
}

function upstreamOf(row: OpenRow, arrays: ReadonlyMap<string, Omit<Upstream, 'name'>>): Upstream {
  const name = row.upstream_name;
  if (row.upstream_array_id !== null) {
    return { name, ...(arrays.get(row.upstream_array_id) ?? { end: 'deleted', reason: null, chain: null }) };
  }
  return { name, end: endOf(row.status), reason: row.reason, chain: row.skip_chain };
}

const openStatuses: ReadonlySet<string> = new Set(['queued', 'starting', 'running', 'stopping']);

function endOf(status: DeploymentStatus | null): End | null {
  if (status === null) return 'deleted';
  return openStatuses.has(status) ? null : (status as FinalStatus);
}

async function readArrayEnds(tx: InTransaction, ids: readonly string[]): Promise<Map<string, Omit<Upstream, 'name'>>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ id: string; count: number; counts: object; chain: SkipChain | null }>`
    select a.id, a.count,
           (select coalesce(jsonb_object_agg(status, many), '{}')
              from (select d.status, count(*) as many from deployment d where d.array_id = a.id group by d.status) c) as counts,
           (select d.skip_chain from deployment d where d.array_id = a.id and d.status = 'skipped'
             order by d.array_index limit 1) as chain
      from deployment_array a where a.id = any(${[...ids]}::uuid[]) order by a.id`.execute(tx);
  return new Map(rows.map(({ id, count, counts, chain }) => [id, { ...endOfArray(counts, count), chain }]));
}

async function writeStates(tx: InTransaction, decided: readonly Decided[]): Promise<void> {
  const states = decided.flatMap(({ row, dependencies }) =>
    dependencies.map((dependency) => ({
      deployment_id: row.id,
      position: dependency.position,
      state: stateOf(dependency) satisfies DependencyState,
    })),
  );
  await sql`
    update dependency x set state = s.state
      from json_to_recordset(${JSON.stringify(states)}::json) as s(deployment_id uuid, position smallint, state text)
     where x.deployment_id = s.deployment_id and x.position = s.position and s.state <> 'waiting'`.execute(tx);
}

async function writeVerdicts(tx: InTransaction, decided: readonly Decided[]): Promise<void> {
  const records = decided.map(({ row, verdict }) => ({
    id: row.id,
    kind: verdict.kind,
    unmet: verdict.kind === 'wait' ? verdict.unmet : 0,
    reason: verdict.kind === 'skip' ? verdict.reason : null,
    chain: verdict.kind === 'skip' ? verdict.chain : null,
  }));
  // Its age counts from when it could have run, and the planner hears of it by that (migrations/0008).
  await sql`
    update deployment d
       set status = case when v.kind = 'skip' then 'skipped' else d.status end,
           unmet_dependencies = case when v.kind = 'skip' then d.unmet_dependencies else v.unmet end,
           queued_at = case when v.kind = 'release' then clock_timestamp() else d.queued_at end,
           reason_code = case when v.kind = 'skip' then 'dependency_not_met' else d.reason_code end,
           reason = coalesce(v.reason, d.reason), skip_chain = v.chain,
           finished_at = case when v.kind = 'skip' then now() end,
           changed_at = case when v.kind = 'wait' then d.changed_at else now() end, version = d.version + 1
      from json_to_recordset(${JSON.stringify(records)}::json) as v(id uuid, kind text, unmet int, reason text, chain jsonb)
     where d.id = v.id and d.status = 'queued' and d.unmet_dependencies > 0`.execute(tx);
}

function eventsOf({ row, verdict }: Decided): NewEvent[] {
  const about = { organizationId: row.organization_id, clusterId: row.cluster_id, deploymentId: row.id };
  switch (verdict.kind) {
    case 'wait':
      return [];
    case 'release':
      return [{ ...about, type: 'deployment.released', message: 'what it waited for has ended as it had to' }];
    case 'skip':
      return [{ ...about, type: 'deployment.skipped', message: verdict.reason, data: { chain: verdict.chain } }];
  }
}

/** One thing that a deployment waits for, or waited for. */
export interface DependencyRow {
  readonly upstream_id: string | null;
  readonly upstream_array_id: string | null;
  readonly upstream_name: string;
  readonly condition: Condition;
  readonly state: DependencyState;
  /** Of a single deployment, as it is now; null of an array, and of what is gone. */
  readonly status: DeploymentStatus | null;
}

/** What a deployment waits for, in the order in which it was named. */
export async function readDependencies(db: Database, scope: Scope, deploymentId: string): Promise<DependencyRow[]> {
  const { rows } = await sql<DependencyRow>`
    select x.upstream_id, x.upstream_array_id, x.upstream_name, x.condition, x.state, u.status
      from dependency x join deployment d on d.id = x.deployment_id left join deployment u on u.id = x.upstream_id
     where d.organization_id = ${scope.organizationId} and d.id = ${deploymentId} order by x.position`.execute(db);
  return rows;
}

/** Who waits for a deployment, or for anything of an array: at most a few, with how many there are in all. */
export async function readDependents(
  db: Database,
  scope: Scope,
  upstream: { readonly deploymentId: string } | { readonly arrayId: string },
): Promise<{ names: string[]; count: number }> {
  const isUpstream =
    'arrayId' in upstream
      ? sql`(x.upstream_array_id = ${upstream.arrayId} or x.upstream_id in (select id from deployment where array_id = ${upstream.arrayId}))`
      : sql`(x.upstream_id = ${upstream.deploymentId} or x.upstream_array_id = (select array_id from deployment where id = ${upstream.deploymentId}))`;
  const own = 'arrayId' in upstream ? sql`w.array_id is distinct from ${upstream.arrayId}` : sql`true`;
  const { rows } = await sql<{ name: string; count: string }>`
    select w.name, count(*) over () as count
      from dependency x join deployment w on w.id = x.deployment_id and w.status = 'queued'
     where x.state = 'waiting' and w.organization_id = ${scope.organizationId} and ${own} and ${isUpstream}
     group by w.name order by w.name limit 10`.execute(db);
  return { names: rows.map(({ name }) => name), count: Number(rows[0]?.count ?? 0) };
}

export interface DependentRow {
  readonly upstreamId: string;
  readonly id: string;
  readonly name: string;
}

/** Who waits for which of these deployments, or for the arrays that they belong to; by name. */
export async function readDependentsOf(
  db: Database,
  scope: Scope,
  deploymentIds: readonly string[],
): Promise<DependentRow[]> {
  const { rows } = await sql<DependentRow>`
    select distinct u.id as "upstreamId", w.id, w.name
      from deployment u
      join dependency x on x.upstream_id = u.id or x.upstream_array_id = u.array_id
      join deployment w on w.id = x.deployment_id and w.status = 'queued'
     where u.id = any(${[...deploymentIds]}::uuid[]) and u.organization_id = ${scope.organizationId}
       and w.organization_id = ${scope.organizationId} and x.state = 'waiting'
     order by w.name, w.id, u.id`.execute(db);
  return rows;
}

/** What could not be met is looked at again: of those that are queued again. */
export async function waitAgain(tx: InTransaction, deploymentIds: readonly string[]): Promise<void> {
  await sql`
    update dependency set state = 'waiting' where deployment_id = any(${[...deploymentIds]}::uuid[]) and state = 'broken'`.execute(
    tx,
  );
}
