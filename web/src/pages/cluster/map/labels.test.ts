import { describe, expect, it } from 'vitest';
import { changeOfLabels, writeLabels } from './labels.ts';

describe('labels as text', () => {
  it('sets what is new or other, takes away what is gone, leaves the rest', () => {
    const before = { zone: 'east', pool: 'train', disk: 'ssd' };
    expect(changeOfLabels(before, 'zone=west\ndisk=ssd\n\nrack = 4')).toEqual({
      changes: { pool: null, zone: 'west', rack: '4' },
    });
  });

  it('is nothing to change where it was only read', () => {
    const before = { zone: 'east', pool: 'a=b' };
    expect(changeOfLabels(before, writeLabels(before))).toEqual({ changes: {} });
  });

  it('names the line that is none', () => {
    expect(changeOfLabels({}, 'zone=east\nnonsense')).toEqual({ wrong: 'nonsense' });
  });
});
