import { sql } from 'kysely';
import type { Database } from './database.ts';
import { appendEvents } from './events.ts';
import type { RuntimeKind } from './tables.ts';

/**
 * Writes down whether a runtime answers, on every cluster that it serves. Tells of it once, when it changes. Returns the
 * clusters for which it changed.
 */
export async function setReachability(
  db: Database,
  runtime: RuntimeKind,
  reachable: boolean,
  message: string | null,
): Promise<string[]> {
  return db.transaction().execute(async (tx) => {
    const changed = await tx
      .updateTable('cluster')
      .set({ runtime_reachable: reachable, runtime_message: message, version: sql<number>`version + 1` })
      .where('runtime', '=', runtime)
      .where('runtime_reachable', '=', !reachable)
      .returning(['id', 'organization_id', 'name'])
      .execute();
    await appendEvents(
      tx,
      changed.map((cluster) => ({
        organizationId: cluster.organization_id,
        clusterId: cluster.id,
        type: reachable ? ('cluster.reachable' as const) : ('cluster.unreachable' as const),
        message: reachable
          ? `the engine of ${cluster.name} answers again`
          : `the engine of ${cluster.name} does not answer: ${message ?? ''}`,
      })),
    );
    return changed.map((cluster) => cluster.id);
  });
}
