import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinWords, splitWords } from './words.ts';

test('spaces separate, quotes keep together', () => {
  expect(splitWords(`sh -c "echo \\"a b\\"; sleep 1"  'x y'z \\ `)).toEqual([
    'sh',
    '-c',
    'echo "a b"; sleep 1',
    'x yz',
    ' ',
  ]);
  expect(splitWords(`a '' b`)).toEqual(['a', '', 'b']);
  expect(splitWords('  ')).toEqual([]);
});

test('a quote that does not end is no command yet', () => {
  expect(splitWords('sh -c "echo')).toBeNull();
  expect(splitWords("it's")).toBeNull();
});

test('what is joined is split into the same words', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      expect(splitWords(joinWords(words))).toEqual(words);
    }),
  );
});
