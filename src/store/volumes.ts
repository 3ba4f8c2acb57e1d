/** Named volumes: each of one organization, one cluster and one engine, which has their data under a name made of the row's id. */
import { type RawBuilder, sql } from 'kysely';
import { namesOfVolumes } from './bound-to-engines.ts';
import { lockCluster } from './cluster-row.ts';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type EventType } from './events.ts';
import { newId } from './ids.ts';
import { type CreationPage, contains, creationPage, exactTime, type TimeKey } from './keyset.ts';
import type { Actor, Scope } from './scope.ts';
import type { RuntimeKind, VolumeColumn } from './tables.ts';
import { type User, usersOf } from './used-by.ts';
import type { EngineKey } from './work.ts';

export interface VolumeRecord {
  readonly id: string;
  readonly organizationId: string;
  readonly clusterId: string;
  readonly runtime: RuntimeKind;
  readonly name: string;
  /** Null: the installation's own. */
  readonly engine: VolumeEngine | null;
  readonly deleting: boolean;
  readonly createdBy: string | null;
  readonly createdAt: Date;
  /** Of those that are not over. */
  readonly users: readonly User[];
  readonly key: TimeKey;
}

interface VolumeEngine {
  readonly id: string;
  readonly name: string;
  readonly address: string;
}

export interface NewVolume {
  readonly clusterId: string;
  readonly name: string;
  /** By name or by id; null: the installation's own; undefined: the only one that the nodes of the cluster are on. */
  readonly engine: string | null | undefined;
}

export type VolumeCreation =
  | { kind: 'done'; volume: VolumeRecord }
  | { kind: 'unknown_cluster' }
  | { kind: 'cluster_deleting' }
  /** The nodes of the cluster are on these engines, and it was not said which, or another one was; null: the installation's own. */
  | { kind: 'unknown_engine'; engines: readonly (string | null)[] };

export type VolumeDeletion =
  /** Marked: its data is to be removed, and then the row. */
  { kind: 'deleting'; volume: VolumeRecord } | { kind: 'unknown' } | { kind: 'in_use'; users: readonly User[] };

/** The engine makes its place at the first start that uses it. A taken name violates `volume_name`. */
export async function createVolume(
  db: Database,
  scope: Scope,
  { clusterId, name, engine: wanted }: NewVolume,
  actor: Actor,
): Promise<VolumeCreation> {
  return db.transaction().execute(async (tx) => {
    const cluster = await lockCluster(tx, scope, clusterId);
    if (cluster === undefined) return { kind: 'unknown_cluster' };
    if (cluster.deleting) return { kind: 'cluster_deleting' };
    const engines = await enginesOf(tx, clusterId);
    const engine =
      wanted === undefined && engines.length === 1 ? engines[0] : engines.find((one) => isCalled(one, wanted));
    if (engine === undefined) return { kind: 'unknown_engine', engines: engines.map((one) => one.name) };
    const id = newId();
    await tx
      .insertInto('volume')
      .values({
        id,
        organization_id: scope.organizationId,
        cluster_id: clusterId,
        name,
        engine_id: engine.id,
        created_by: actor.userId,
      })
      .execute();
    const volume = await readBack(tx, scope, id);
    const where = engine.name === null ? '' : `, on the engine ${engine.name}`;
    await tell(tx, 'volume.created', `the volume ${name} was created in ${cluster.name}${where}`, volume, actor);
    return { kind: 'done', volume };
  });
}

type EngineOfNodes = { id: string; name: string } | { id: null; name: null };

/** Those that the nodes of a cluster are on, the installation's own first. */
async function enginesOf(tx: InTransaction, clusterId: string): Promise<EngineOfNodes[]> {
  const { rows } = await sql<EngineOfNodes>`
    select distinct e.id, e.name from node n left join engine e on e.id = n.engine_id
     where n.cluster_id = ${clusterId} order by e.name nulls first`.execute(tx);
  return rows;
}

function isCalled(engine: EngineOfNodes, wanted: string | null | undefined): boolean {
  return wanted === engine.name || wanted === engine.id;
}

/** Marks it, so that nothing starts with it any more: refused while a deployment that is not over uses it. */
export async function beginVolumeDeletion(
  db: Database,
  scope: Scope,
  id: string,
  actor: Actor,
): Promise<VolumeDeletion> {
  return db.transaction().execute(async (tx) => {
    const locked = await tx
      .selectFrom('volume')
      .select('deleting')
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (locked === undefined) return { kind: 'unknown' };
    const volume = await readBack(tx, scope, id);
    const users = await usersOf(tx, scope, 'volumes', { name: volume.name }, volume.clusterId);
    if (users.length > 0) return { kind: 'in_use', users };
    if (!locked.deleting) {
      await tx.updateTable('volume').set({ deleting: true }).where('id', '=', id).execute();
      await tell(tx, 'volume.deleted', `the volume ${volume.name} was deleted, with its data`, volume, actor);
    }
    return { kind: 'deleting', volume };
  });
}

/** After its data has gone. */
export async function finishVolumeDeletion(db: Database, id: string): Promise<void> {
  await db.deleteFrom('volume').where('id', '=', id).where('deleting', '=', true).execute();
}

/** Those whose data is still to be removed from an engine. Not on behalf of a person, and so across organizations. */
export function readVolumesToRemove(
  db: Database,
  { runtime, engineId }: EngineKey,
): Promise<{ id: string; organization_id: string }[]> {
  return db
    .selectFrom('volume')
    .innerJoin('cluster', 'cluster.id', 'volume.cluster_id')
    .select(['volume.id', 'volume.organization_id'])
    .where('volume.deleting', '=', true)
    .where('cluster.runtime', '=', runtime)
    .where('volume.engine_id', 'is not distinct from', engineId)
    .orderBy('volume.id')
    .limit(100)
    .execute();
}

/** Null where there is none in this organization. */
export async function readVolume(db: Database, scope: Scope, id: string): Promise<VolumeRecord | null> {
  const [row] = await select(db, sql`v.organization_id = ${scope.organizationId} and v.id = ${id}`, sql``);
  return row ?? null;
}

/** Undefined: any. */
export interface VolumeFilter {
  readonly clusterId: string | undefined;
  /** A part of the name, in either case. */
  readonly name: string | undefined;
}

export function listVolumes(
  db: Database,
  scope: Scope,
  { clusterId, name }: VolumeFilter,
  page: CreationPage,
): Promise<VolumeRecord[]> {
  const { where, order } = creationPage('v', page);
  const inCluster = clusterId === undefined ? sql`true` : sql`v.cluster_id = ${clusterId}`;
  return select(
    db,
    sql`v.organization_id = ${scope.organizationId} and ${inCluster} and ${contains('v.name', name)} and ${where}`,
    sql`${order} limit ${page.limit}`,
  );
}

/** A volume as those find it who use it. */
export interface PlacedVolume {
  readonly id: string;
  /** Null: the installation's own. */
  readonly engineId: string | null;
  readonly engineName: string | null;
  /** Whether the cluster has nodes on other engines: who uses it can't run there. */
  readonly binds: boolean;
}

/** By the ids of clusters, then by name. */
export type UsedVolumes = ReadonlyMap<string, ReadonlyMap<string, PlacedVolume>>;

/** The volumes that deployments name, as far as they are there. */
export async function readUsedVolumes(
  db: Database,
  scope: Scope,
  deployments: readonly { readonly clusterId: string; readonly volumes: readonly VolumeColumn[] }[],
): Promise<UsedVolumes> {
  const used = new Map<string, ReadonlyMap<string, PlacedVolume>>();
  for (const clusterId of new Set(deployments.map((one) => one.clusterId))) {
    const here = deployments.filter((one) => one.clusterId === clusterId);
    const names = here.flatMap(({ volumes }) => namesOfVolumes(volumes));
    used.set(clusterId, await readVolumesByName(db, scope, clusterId, names));
  }
  return used;
}

/** Those of the names that the cluster has, and that are not being deleted. */
export async function readVolumesByName(
  db: Database,
  scope: Scope,
  clusterId: string,
  names: readonly string[],
): Promise<Map<string, PlacedVolume>> {
  if (names.length === 0) return new Map();
  const { rows } = await sql<PlacedVolume & { name: string }>`
    select v.id, v.name, v.engine_id as "engineId", e.name as "engineName",
           exists (select 1 from node n where n.cluster_id = v.cluster_id and n.engine_id is distinct from v.engine_id) as binds
      from volume v left join engine e on e.id = v.engine_id
     where v.organization_id = ${scope.organizationId} and v.cluster_id = ${clusterId} and not v.deleting
       and v.name = any(${[...new Set(names)]}::text[])
     order by v.name`.execute(db);
  return new Map(rows.map(({ name, ...volume }) => [name, volume]));
}

interface VolumeRow {
  id: string;
  organization_id: string;
  cluster_id: string;
  runtime: RuntimeKind;
  name: string;
  engine: VolumeEngine | null;
  deleting: boolean;
  created_by: string | null;
  created_at: Date;
  created_at_exact: string;
  users: User[];
}

async function select(db: Database, where: RawBuilder<unknown>, order: RawBuilder<unknown>): Promise<VolumeRecord[]> {
  const { rows } = await sql<VolumeRow>`
    select v.id, v.organization_id, v.cluster_id, c.runtime, v.name, v.deleting, v.created_by, v.created_at,
           (select json_build_object('id', e.id, 'name', e.name, 'address', e.address) from engine e where e.id = v.engine_id) as engine,
           ${exactTime('v.created_at')} as created_at_exact,
           coalesce((select json_agg(json_build_object('id', d.id, 'name', d.name) order by d.id) from deployment d
             where d.organization_id = v.organization_id and d.cluster_id = v.cluster_id and d.volumes <> '[]'
               and d.volumes @> jsonb_build_array(jsonb_build_object('name', v.name))
               and d.status in ('queued', 'starting', 'running', 'stopping')), '[]') as users
      from volume v join cluster c on c.id = v.cluster_id
     where ${where} ${order}`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    organizationId: row.organization_id,
    clusterId: row.cluster_id,
    runtime: row.runtime,
    name: row.name,
    engine: row.engine,
    deleting: row.deleting,
    createdBy: row.created_by,
    createdAt: row.created_at,
    users: row.users,
    key: { at: row.created_at_exact, id: row.id },
  }));
}

async function readBack(tx: InTransaction, scope: Scope, id: string): Promise<VolumeRecord> {
  const volume = await readVolume(tx, scope, id);
  if (volume === null) throw new Error('a volume that was written is not there');
  return volume;
}

function tell(tx: InTransaction, type: EventType, message: string, volume: VolumeRecord, actor: Actor): Promise<void> {
  return appendEvents(tx, [
    {
      organizationId: volume.organizationId,
      clusterId: volume.clusterId,
      type,
      message,
      data: { volume_id: volume.id, name: volume.name, engine_id: volume.engine?.id ?? null },
      actorId: actor.userId,
    },
  ]);
}

/** Of a cluster, those that are being deleted among them. Some of them, where there are many. */
export async function volumeNames(db: Database, scope: Scope, clusterId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('volume')
    .select('name')
    .where('organization_id', '=', scope.organizationId)
    .where('cluster_id', '=', clusterId)
    .orderBy('name')
    .limit(20)
    .execute();
  return rows.map(({ name }) => name);
}
