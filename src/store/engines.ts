/** Engines that people added beside the installation's own. Keys and certificates come out of here only for the connection. */
import { type Selectable, sql } from 'kysely';
import type { EngineCredentials } from '../runtimes/docker/engine-connection.ts';
import type { Capacity } from '../runtimes/runtime.ts';
import type { Database, InTransaction } from './database.ts';
import { appendEvents, type EventType } from './events.ts';
import { newId } from './ids.ts';
import type { PageRequest } from './keyset.ts';
import type { Actor, Scope } from './scope.ts';
import { decrypt, encrypt } from './secrets/crypto.ts';
import type { Keyring } from './secrets/keyring.ts';
import type { EngineKind, Tables } from './tables.ts';

export type EngineRow = Omit<Selectable<Tables['engine']>, 'credentials_encrypted' | 'devices'> & {
  readonly nodes: number;
  /** Of the swarm that it is a node of. */
  readonly swarm_name: string | null;
};

export interface NewEngine {
  readonly name: string;
  /** As `writeEngineAddress` writes it. */
  readonly address: string;
  readonly credentials: EngineCredentials;
  readonly kind: 'docker' | 'swarm';
  /** Of a swarm: a template of the addresses of its nodes' engines; null: as the manager's. */
  readonly nodeAddress: string | null;
  /** As it was found when it was tried. */
  readonly found: Capacity;
}

/** What the control plane needs to reach it. */
export interface StoredEngine {
  readonly id: string;
  readonly organizationId: string;
  readonly address: string;
  /** Counts its changes: another one needs another connection. */
  readonly version: number;
  readonly credentials: EngineCredentials;
  readonly kind: EngineKind;
  /** Of a swarm. */
  readonly nodeAddress: string | null;
  /** Of a node of a swarm: how its manager is reached, with the same credentials, and what that calls it. */
  readonly swarm: { readonly id: string; readonly address: string; readonly nodeId: string } | null;
}

export type EngineDeletion =
  | { kind: 'deleted' }
  | { kind: 'unknown' }
  /** Of the volumes some, where there are many: "data in train". */
  | { kind: 'in_use'; nodes: number; clusters: readonly string[]; volumes: readonly string[] };

/** What credentials are encrypted for: they decrypt nowhere else. */
export const credentialsContext = (organizationId: string, id: string) => `engine:${organizationId}:${id}`;

/** Adds one that was tried. A taken name or address violates `engine_name` or `engine_address`. */
export async function createEngine(
  db: Database,
  scope: Scope,
  engine: NewEngine,
  keys: Keyring,
  actor: Actor,
): Promise<EngineRow> {
  const id = newId();
  const { organizationId } = scope;
  return db.transaction().execute(async (tx) => {
    await tx
      .insertInto('engine')
      .values({
        id,
        organization_id: organizationId,
        name: engine.name,
        address: engine.address,
        credentials_encrypted: sealed(engine.credentials, credentialsContext(organizationId, id), keys),
        reachable: true,
        ram: engine.found.ram,
        cpu: engine.found.cpu,
        labels: JSON.stringify(engine.found.labels),
        kind: engine.kind,
        node_address: engine.nodeAddress,
      })
      .execute();
    await tell(tx, scope, actor, 'engine.created', id, `the engine ${engine.name} at ${engine.address} was added`);
    const [row] = await selectEngines(tx, scope, sql`e.id = ${id}`, sql``);
    return row as EngineRow;
  });
}

export interface EngineUpdate {
  readonly name?: string | undefined;
  readonly credentials?: EngineCredentials | undefined;
}

/** Renames it, or gives it other credentials: the connection is made anew. Null where there is none with this id. */
export async function updateEngine(
  db: Database,
  scope: Scope,
  id: string,
  { name, credentials }: EngineUpdate,
  keys: Keyring,
  actor: Actor,
): Promise<EngineRow | null> {
  return db.transaction().execute(async (tx) => {
    const changed = await tx
      .updateTable('engine')
      .set({
        ...(name !== undefined && { name }),
        ...(credentials !== undefined && {
          credentials_encrypted: sealed(credentials, credentialsContext(scope.organizationId, id), keys),
        }),
        version: sql<number>`version + 1`,
      })
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .returning('name')
      .executeTakeFirst();
    if (changed === undefined) return null;
    const what = credentials === undefined ? 'was renamed' : 'has other credentials';
    await tell(tx, scope, actor, 'engine.updated', id, `the engine ${changed.name} ${what}`);
    const [row] = await selectEngines(tx, scope, sql`e.id = ${id}`, sql``);
    return row ?? null;
  });
}

function sealed({ tls, ssh }: EngineCredentials, context: string, keys: Keyring): Buffer | null {
  return tls === undefined && ssh === undefined ? null : encrypt(JSON.stringify({ tls, ssh }), context, keys);
}

/**
 * Only one that no node names, and that has no volumes but those whose data was given up already. What is left on it is not ours to
 * remove any more.
 */
export async function deleteEngine(db: Database, scope: Scope, id: string, actor: Actor): Promise<EngineDeletion> {
  return db.transaction().execute(async (tx) => {
    const engine = await tx
      .selectFrom('engine')
      .select('name')
      .where('organization_id', '=', scope.organizationId)
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (engine === undefined) return { kind: 'unknown' };
    const nodes = await tx
      .selectFrom('node')
      .select((eb) => eb.fn.countAll<string>().as('count'))
      .where('engine_id', 'in', withMembers(tx, id))
      .executeTakeFirstOrThrow();
    const volumes = await volumesOn(tx, id);
    const clusters = (await tx.selectFrom('cluster').select('name').where('swarm_id', '=', id).execute()).map(
      ({ name }) => name,
    );
    if (Number(nodes.count) > 0 || clusters.length > 0 || volumes.length > 0) {
      return { kind: 'in_use', nodes: Number(nodes.count), clusters, volumes };
    }
    await tx.deleteFrom('volume').where('engine_id', 'in', withMembers(tx, id)).where('deleting', '=', true).execute();
    await sql`
      update replica set cleaned = true
       where engine_id in (select id from engine where id = ${id} or swarm_id = ${id}) and status = 'ended' and not cleaned`.execute(
      tx,
    );
    await tx.deleteFrom('engine').where('id', '=', id).execute();
    await tell(tx, scope, actor, 'engine.deleted', id, `the engine ${engine.name} was deleted`);
    return { kind: 'deleted' };
  });
}

/** An engine, or a swarm with all of its nodes. */
function withMembers(tx: InTransaction, id: string) {
  return tx
    .selectFrom('engine')
    .select('id')
    .where((e) => e.or([e('id', '=', id), e('swarm_id', '=', id)]));
}

async function volumesOn(tx: InTransaction, engineId: string): Promise<string[]> {
  const rows = await tx
    .selectFrom('volume')
    .innerJoin('cluster', 'cluster.id', 'volume.cluster_id')
    .select(['volume.name', 'cluster.name as cluster'])
    .where('volume.engine_id', 'in', withMembers(tx, engineId))
    .where('volume.deleting', '=', false)
    .orderBy('cluster.name')
    .orderBy('volume.name')
    .limit(20)
    .execute();
  return rows.map(({ name, cluster }) => `${name} in ${cluster}`);
}

async function tell(
  tx: InTransaction,
  { organizationId }: Scope,
  actor: Actor,
  type: EventType,
  id: string,
  message: string,
): Promise<void> {
  await appendEvents(tx, [{ organizationId, type, message, data: { engine_id: id }, actorId: actor.userId }]);
}

/** By name. */
export function listEngines(db: Database, scope: Scope, page: PageRequest<string>): Promise<EngineRow[]> {
  const after = page.after === undefined ? sql`true` : sql`e.name > ${page.after}`;
  return selectEngines(db, scope, after, sql`order by e.name limit ${page.limit + 1}`);
}

export async function readEngine(db: Database, scope: Scope, id: string): Promise<EngineRow | null> {
  const [row] = await selectEngines(db, scope, sql`e.id = ${id}`, sql``);
  return row ?? null;
}

/** By name or by id. */
export async function findEngine(db: Database, scope: Scope, wanted: string): Promise<EngineRow | null> {
  const [row] = await selectEngines(db, scope, sql`(e.name = ${wanted} or e.id::text = ${wanted})`, sql`order by e.id`);
  return row ?? null;
}

async function selectEngines(
  db: Database,
  { organizationId }: Scope,
  where: ReturnType<typeof sql>,
  order: ReturnType<typeof sql>,
): Promise<EngineRow[]> {
  const { rows } = await sql<EngineRow>`
    select e.id, e.organization_id, e.name, e.address, e.reachable, e.message, e.since, e.ram, e.cpu, e.labels, e.version,
           e.created_at, e.kind, e.swarm_id, e.swarm_node_id, e.node_address, e.availability, e.hostname, s.name as swarm_name,
           (select count(*)::int from node n where n.engine_id in (
             select m.id from engine m where m.id = e.id or m.swarm_id = e.id)) as nodes
      from engine e left join engine s on s.id = e.swarm_id where e.organization_id = ${organizationId} and ${where} ${order}`.execute(
    db,
  );
  return rows;
}

interface StoredRow {
  id: string;
  organization_id: string;
  address: string;
  version: number;
  credentials_encrypted: Buffer | null;
  kind: EngineKind;
  node_address: string | null;
  swarm_id: string | null;
  swarm_node_id: string | null;
  swarm_address: string | null;
}

/** All engines of the installation: not on behalf of a person. One whose credentials can't be read is left out, and named to `onUnreadable`. */
export async function readStoredEngines(
  db: Database,
  keys: Keyring,
  onUnreadable: (id: string, error: unknown) => void,
): Promise<StoredEngine[]> {
  const { rows } = await sql<StoredRow>`
    select e.id, e.organization_id, e.address, e.kind, e.node_address, e.swarm_id, e.swarm_node_id, s.address as swarm_address,
           e.version + coalesce(s.version, 0) as version, coalesce(s.credentials_encrypted, e.credentials_encrypted) as credentials_encrypted
      from engine e left join engine s on s.id = e.swarm_id order by e.id`.execute(db);
  return rows.flatMap((row) => {
    try {
      const { id, address, version, credentials_encrypted: bytes, swarm_id, swarm_node_id, swarm_address } = row;
      // Those of a node are its swarm's.
      const context = credentialsContext(row.organization_id, swarm_id ?? id);
      const text = bytes === null ? '{}' : decrypt(bytes, context, keys);
      return [
        {
          id,
          organizationId: row.organization_id,
          address,
          version,
          credentials: JSON.parse(text) as EngineCredentials,
          kind: row.kind,
          nodeAddress: row.node_address,
          swarm:
            swarm_id === null || swarm_node_id === null || swarm_address === null
              ? null
              : { id: swarm_id, address: swarm_address, nodeId: swarm_node_id },
        },
      ];
    } catch (error) {
      onUnreadable(row.id, error);
      return [];
    }
  });
}

/** What its machine has, as it was found just now. */
export async function noteCapacity(db: Database, id: string, { ram, cpu, labels }: Capacity): Promise<void> {
  await sql`
    update engine set ram = ${ram}, cpu = ${cpu}, labels = ${JSON.stringify(labels)}::jsonb
     where id = ${id} and (ram, cpu, labels) is distinct from (${ram}, ${cpu}, ${JSON.stringify(labels)}::jsonb)`.execute(
    db,
  );
}
