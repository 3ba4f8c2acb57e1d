import { createHash } from 'node:crypto';
import type { Database } from './database.ts';
import type { Scope } from './scope.ts';

export type EarlierUse =
  /** These were made by the first request. */
  { kind: 'replayed'; ids: readonly string[] } | { kind: 'key_conflict' };

/** What became of an earlier request with this key; null where there was none, or no key. */
export async function findSubmitted(
  db: Database,
  scope: Scope,
  idempotency: { key: string; requestHash: Buffer } | null,
): Promise<EarlierUse | null> {
  if (idempotency === null) return null;
  const row = await db
    .selectFrom('idempotency_key')
    .select(['request_hash', 'deployment_ids'])
    .where('organization_id', '=', scope.organizationId)
    .where('key', '=', idempotency.key)
    .executeTakeFirst();
  if (row === undefined) return null;
  if (!row.request_hash.equals(idempotency.requestHash)) return { kind: 'key_conflict' };
  return { kind: 'replayed', ids: row.deployment_ids };
}

/** Equal for equal requests, whatever the order in which their fields were written. */
export function requestHash(body: unknown): Buffer {
  return createHash('sha256').update(JSON.stringify(body, sortKeys)).digest();
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
