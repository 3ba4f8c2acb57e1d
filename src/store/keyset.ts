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

/** Lists that are in the order of their rows' creation. */
export interface CreationPage extends PageRequest<TimeKey> {
  /** True: the latest first. */
  readonly descending: boolean;
}

/** For a table of this alias: what a page holds at most, and in which order. */
export function creationPage(alias: string, { after, descending }: CreationPage) {
  const key = [sql.ref(`${alias}.created_at`), sql.ref(`${alias}.id`)] as const;
  const direction = descending ? sql`desc` : sql`asc`;
  const comparison = descending ? sql`<` : sql`>`;
  return {
    where:
      after === undefined
        ? sql<boolean>`true`
        : sql<boolean>`(${key[0]}, ${key[1]}) ${comparison} (${after.at}::timestamptz, ${after.id}::uuid)`,
    order: sql`order by ${key[0]} ${direction}, ${key[1]} ${direction}`,
  };
}

/** Whether a column holds this text, in either case; true where none is asked for. */
export function contains(column: string, part: string | undefined): RawBuilder<boolean> {
  return part === undefined ? sql<boolean>`true` : sql<boolean>`strpos(lower(${sql.ref(column)}), lower(${part})) > 0`;
}

/** A time with all of its microseconds. */
export function exactTime(column: string): RawBuilder<string> {
  return sql<string>`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}
