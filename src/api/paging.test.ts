import { describe, expect, it } from 'vitest';
import { ApiError } from './errors.ts';
import { decodeCursor, encodeCursor, pageOfRows } from './paging.ts';

const id = '01890a5d-ac96-774b-bcce-b302099a8057';

describe('cursors', () => {
  it('come back as they went', () => {
    const key = ['2026-01-31T12:00:00.123456Z', id] as const;
    expect(decodeCursor(encodeCursor(key), ['time', 'uuid'])).toEqual(key);
    expect(decodeCursor(undefined, ['uuid'])).toBeUndefined();
  });

  it.each([
    ['', ['uuid']],
    ['%%%', ['uuid']],
    ['bm9wZQ', ['uuid']],
    [encodeCursor([]), ['uuid']],
    [encodeCursor([id, id]), ['uuid']],
    [encodeCursor(['not an id']), ['uuid']],
    [encodeCursor([1.5]), ['number']],
    [encodeCursor(['2026-13-31T12:00:00.123456Z']), ['time']],
    [encodeCursor(['a\u0000']), ['text']],
    [Buffer.from('{"length":1,"0":"x"}').toString('base64url'), ['text']],
  ] as const)('that are none of the list are refused: %s', (cursor, kinds) => {
    expect(() => decodeCursor(cursor, kinds)).toThrow(ApiError);
    expect(() => decodeCursor(cursor, kinds)).toThrow('`cursor` is not a cursor of this list');
  });
});

const show = (row: number) => row * 10;

describe('pages', () => {
  it('have a next one only where there is more', () => {
    expect(pageOfRows([1, 2, 3], 2, (row) => [row], show)).toEqual({ items: [10, 20], next_cursor: encodeCursor([2]) });
    expect(pageOfRows([1, 2], 2, (row) => [row], show)).toEqual({ items: [10, 20], next_cursor: null });
    expect(pageOfRows([], 2, (row) => [row], show)).toEqual({ items: [], next_cursor: null });
  });
});
