import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asTheyCome, byTime } from './merged.ts';

interface Item {
  readonly at: number;
  readonly source: number;
  readonly index: number;
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield item;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const logs = fc
  .array(fc.array(fc.nat(9), { maxLength: 8 }), { maxLength: 6 })
  .map((times) =>
    times.map((one, source) => one.toSorted((a, b) => a - b).map((at, index): Item => ({ at, source, index }))),
  );

test('by time: all lines, none twice, in the order of their times and then of the sources', async () => {
  await fc.assert(
    fc.asyncProperty(logs, async (sources) => {
      const merged = await collect(byTime(sources.map((one) => each(one))));
      const expected = sources.flat().toSorted((a, b) => a.at - b.at || a.source - b.source || a.index - b.index);
      expect(merged).toEqual(expected);
    }),
  );
});

test('as they come: all lines, none twice, those of one source in its order', async () => {
  await fc.assert(
    fc.asyncProperty(logs, async (sources) => {
      const merged = await collect(asTheyCome(sources.map((one) => each(one))));
      expect(merged).toHaveLength(sources.flat().length);
      for (const [source, items] of sources.entries())
        expect(merged.filter((item) => item.source === source)).toEqual(items);
    }),
  );
});

test('a source that says nothing keeps no other waiting', async () => {
  let speak: ((value: number) => void) | undefined;
  const silent = (async function* () {
    yield await new Promise<number>((resolve) => (speak = resolve));
  })();
  const merged = asTheyCome([silent, each([1, 2])]);
  expect([(await merged.next()).value, (await merged.next()).value]).toEqual([1, 2]);
  speak?.(3);
  expect((await merged.next()).value).toBe(3);
  expect((await merged.next()).done).toBe(true);
});

test('what breaks one breaks all', async () => {
  const broken = (async function* (): AsyncGenerator<number> {
    yield 1;
    throw new Error('cut off');
  })();
  await expect(collect(asTheyCome([broken, each([2])]))).rejects.toThrow('cut off');
  const again = (async function* (): AsyncGenerator<{ at: number }> {
    yield { at: 1 };
    throw new Error('cut off');
  })();
  await expect(collect(byTime([again, each([{ at: 2 }])]))).rejects.toThrow('cut off');
});
