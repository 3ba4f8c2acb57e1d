import { expect, it } from 'vitest';
import { shownAfter } from './use-log.ts';

const line = (number: number) => ({
  number,
  replica: 0,
  stream: 'stdout' as const,
  at: '2026-01-01T00:00:00Z',
  text: `${number}`,
});
const nothing = { lines: [], dropped: 0, isOver: false, error: null };

it('new lines come behind those that are shown', () => {
  const first = shownAfter(nothing, { lines: [line(1)] });
  expect(shownAfter(first, { lines: [line(2), line(3)] }).lines.map(({ number }) => number)).toEqual([1, 2, 3]);
});

it('of more than a page can hold, the first are let go of and counted', () => {
  const many = Array.from({ length: 50_010 }, (_, index) => line(index));
  const shown = shownAfter(nothing, { lines: many });
  expect(shown.lines).toHaveLength(50_000);
  expect(shown.lines[0]?.number).toBe(10);
  expect(shown.dropped).toBe(10);
  expect(shownAfter(shown, { lines: [line(50_010)] }).dropped).toBe(11);
});

it('an end and an error change nothing of what was said', () => {
  const said = shownAfter(nothing, { lines: [line(1)] });
  expect(shownAfter(said, { over: true })).toMatchObject({ lines: said.lines, isOver: true });
  expect(shownAfter(said, { error: 'gone' })).toMatchObject({ lines: said.lines, error: 'gone' });
  expect(shownAfter(said, 'begin')).toEqual(nothing);
});
