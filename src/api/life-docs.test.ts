import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { replicaTransitions, transitions } from '../core/lifecycle.ts';

type Table = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

function rows(table: Table): string[] {
  return Object.entries(table).flatMap(([from, following]) =>
    Object.entries(following).map(
      ([to, causes]) => `| \`${from}\` | \`${to}\` | ${causes.map((cause) => `\`${cause}\``).join(', ')} |`,
    ),
  );
}

test('docs/life.md has both state machines as they are', async () => {
  const text = await readFile(new URL('../../docs/life.md', import.meta.url), 'utf8');
  const written = text.split('\n').filter((line) => line.startsWith('| `'));
  expect(written).toEqual([...rows(transitions), ...rows(replicaTransitions)]);
});
