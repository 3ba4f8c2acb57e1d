import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Difference, differences, type Json } from './differences.ts';

const { value } = fc.letrec<{ value: Json; leaf: Json }>((tie) => ({
  leaf: fc.oneof(fc.constant(null), fc.boolean(), fc.integer({ min: -3, max: 3 }), fc.constantFrom('', 'a', 'b')),
  value: fc.oneof(
    { depthSize: 'small' },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c.d', 'toString', '__proto__'), tie('value'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
}));

/** What `from` becomes when each difference is made in it. */
function applied(from: Json, all: readonly Difference[]): Json | undefined {
  let result: Json | undefined = from;
  for (const { path, to } of all) result = set(result, path, to);
  return result;
}

function set(at: Json | undefined, [key, ...rest]: readonly string[], to: Json | undefined): Json | undefined {
  if (key === undefined) return to;
  const entries = new Map<string, Json>(Object.entries((at ?? {}) as { [name: string]: Json }));
  const below = set(entries.get(key), rest, to);
  if (below === undefined) entries.delete(key);
  else entries.set(key, below);
  return Object.fromEntries(entries);
}

test('a value does not differ from itself, nor from a copy with its keys in another order', () => {
  fc.assert(
    fc.property(value, (one) => {
      expect(differences(one, one)).toEqual([]);
      expect(differences(one, shuffled(one))).toEqual([]);
    }),
  );
});

function shuffled(one: Json): Json {
  if (Array.isArray(one)) return one.map(shuffled);
  if (typeof one !== 'object' || one === null) return one;
  const reversed = Object.entries(one).toReversed();
  return Object.fromEntries(reversed.map(([key, below]): [string, Json] => [key, shuffled(below)]));
}

test('with its differences made in it, one value is the other: none is forgotten, and none too many', () => {
  fc.assert(
    fc.property(value, value, (from, to) => {
      const all = differences(from, to);
      expect(differences(applied(from, all), to)).toEqual([]);
      for (const one of all) {
        const others = all.filter((other) => other !== one);
        expect(differences(applied(from, others), to)).toEqual([one]);
      }
    }),
  );
});

test('the other way round, the same fields differ', () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      const turned = differences(b, a).map(({ path, from, to }) => ({ path, from: to, to: from }));
      expect(turned).toEqual(differences(a, b));
    }),
  );
});

test('fields are named from the outside in', () => {
  const before = { env: { A: '1', B: '2' }, command: ['a', 'b'], priority: 50 };
  const after = { env: { A: '1', C: '3' }, command: ['a'], priority: 50 };
  expect(differences(before, after)).toEqual([
    { path: ['command'], from: ['a', 'b'], to: ['a'] },
    { path: ['env', 'B'], from: '2', to: undefined },
    { path: ['env', 'C'], from: undefined, to: '3' },
  ]);
});
