import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';

/**
 * Where a page begins: after the row with this time and id. The time is PostgreSQL's own text, to the microsecond: a Date
 * would round it, and a page would then repeat or skip rows of one millisecond.
 */
export interface TimeKey {
  readonly at: string;
  readonly id: string;
}

export interface PageRequest<Key> {
  readonly limit: number;
  /** Null: the first page. */
  readonly after: Key | null;
}

/** A time as text that reads back as exactly the same time, whatever the session's time zone. */
export function exactTime(column: string): RawBuilder<string> {
  return sql<string>`${sql.ref(column)}::text`;
}
