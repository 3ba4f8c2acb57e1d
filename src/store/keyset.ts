import { type RawBuilder, sql } from 'kysely';

/**
 * Where a page begins: after the row with this time and id. The time is text to the microsecond, as `exactTime` writes it:
 * a Date would round it, and a page would then repeat or skip rows of one millisecond.
 */
export interface TimeKey {
  readonly at: string;
  readonly id: string;
}

export interface PageRequest<Key> {
  readonly limit: number;
  /** Undefined: the first page. */
  readonly after: Key | undefined;
}

/** A time with all of its microseconds. */
export function exactTime(column: string): RawBuilder<string> {
  return sql<string>`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
