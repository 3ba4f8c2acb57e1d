/**
 * Lists by keyset: a page begins after the sort key of the last row of the page before, so that a page costs the same
 * wherever it lies, and rows that come or go meanwhile are neither skipped nor shown twice.
 */

import { isUuid } from '../store/ids.ts';
import { invalidField } from './errors.ts';

interface KeyTypes {
  uuid: string;
  /** As `exactTime` (src/store/keyset.ts) writes it. */
  time: string;
  number: number;
  text: string;
}
type KeyKind = keyof KeyTypes;
type KeyOf<Kinds extends readonly KeyKind[]> = { -readonly [I in keyof Kinds]: KeyTypes[Kinds[I]] };

/** The sort key of a row, as clients hand it back. Opaque to them. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** The key in a cursor; undefined for the first page. A cursor that is none of this list's is 400. */
export function decodeCursor<const Kinds extends readonly KeyKind[]>(
  cursor: string | undefined,
  kinds: Kinds,
): KeyOf<Kinds> | undefined {
  if (cursor === undefined) return undefined;
  const key = parse(cursor);
  if (!Array.isArray(key) || key.length !== kinds.length || !kinds.every((kind, i) => checks[kind](key[i]))) {
    throw invalidField('cursor', 'is not a cursor of this list: send back `next_cursor` as it was');
  }
  return key as KeyOf<Kinds>;
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

const checks: Readonly<Record<KeyKind, (value: unknown) => boolean>> = {
  uuid: (value) => typeof value === 'string' && isUuid(value),
  time: (value) => typeof value === 'string' && time.test(value) && !Number.isNaN(Date.parse(value)),
  number: (value) => typeof value === 'number' && Number.isSafeInteger(value),
  text: (value) => typeof value === 'string' && !value.includes('\u0000'),
};

/**
 * A page from rows of which one more than `limit` was asked for: that one tells whether there is a next page, and is not
 * shown.
 */
export function pageOfRows<Row, Item>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly (string | number)[],
  show: (row: Row) => Item,
): { items: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(show),
    next_cursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null,
  };
}
