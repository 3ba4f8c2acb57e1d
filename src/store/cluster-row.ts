import { sql } from 'kysely';
import type { Database, InTransaction } from './database.ts';
import type { Scope } from './scope.ts';

export interface LockedCluster {
  readonly name: string;
  readonly version: number;
  readonly deleting: boolean;
}

/** Locks the cluster's row first, as a pass does, so that what changes it and its nodes takes turns with passes. */
export async function lockCluster(tx: InTransaction, scope: Scope, id: string): Promise<LockedCluster | undefined> {
  return tx
    .selectFrom('cluster')
    .select(['name', 'version', 'deleting'])
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/** Writes the sums over the nodes into the cluster's row, where people look for them in the database. */
export async function sumUpNodes(tx: InTransaction, clusterId: string): Promise<void> {
  await sql`
    update cluster c set ram = s.ram / 1000, cpu = s.cpu / 1000, gpu = s.gpu / 1000
      from (select coalesce(sum(ram), 0)::numeric ram, coalesce(sum(cpu), 0)::numeric cpu, coalesce(sum(gpu), 0)::numeric gpu
              from node where cluster_id = ${clusterId}) s
     where c.id = ${clusterId}`.execute(tx);
}

export async function clusterExists(db: Database, scope: Scope, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('cluster')
    .select('id')
    .where('organization_id', '=', scope.organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row !== undefined;
}
