import { describe, expect, it } from 'vitest';
import { comparePositions, readPosition, writePosition } from './event-log.ts';

describe('a position in the log of events', () => {
  it('reads back as it was written, to the last bit', () => {
    for (const text of ['0-0', '748-12', '18446744073709551615-9223372036854775807']) {
      expect(writePosition(readPosition(text)!)).toBe(text);
    }
  });

  it('is none where the database could not read it', () => {
    for (const text of [
      '',
      '1',
      '1-',
      '-1',
      '1-2-3',
      '1.0-2',
      '18446744073709551616-0',
      '0-9223372036854775808',
      '１-２',
    ]) {
      expect(readPosition(text)).toBeNull();
    }
  });

  it('is ordered by transaction, then by id, as numbers', () => {
    const ordered = ['9-100', '10-2', '10-11'].map((text) => readPosition(text)!);
    expect(ordered.toReversed().toSorted(comparePositions)).toEqual(ordered);
  });
});
