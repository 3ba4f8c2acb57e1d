import { sql } from 'kysely';
import { thinSamples } from './cluster-history.ts';
import type { Database } from './database.ts';
import { removeOldDetail } from './pass-detail.ts';
import { removeOldPassRequests } from './pass-requests.ts';
import { removeDeadProcesses } from './processes.ts';
import { removeOldDeliveries } from './webhook-deliveries.ts';

/**
 * Removes what is of no use any more: sessions past their end, invites long expired, idempotency keys older than a day, old deliveries, what is told of old
 * passes, requests for passes and processes that nobody waits for; and what is too much by now: old samples of clusters are averaged.
 */
export async function removeExpired(db: Database): Promise<void> {
  await db.deleteFrom('session').where(sql<boolean>`expires_at < now()`).execute();
  await db.deleteFrom('invite').where(sql<boolean>`expires_at < now() - interval '30 days'`).execute();
  await db.deleteFrom('idempotency_key').where(sql<boolean>`created_at < now() - interval '1 day'`).execute();
  await removeOldDeliveries(db);
  await removeOldDetail(db);
  await removeOldPassRequests(db);
  await removeDeadProcesses(db);
  await thinSamples(db);
}
