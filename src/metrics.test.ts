import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type OwnMetric, ownMetrics } from './testing-metrics.ts';

function rowOf({ name, type, labels, help }: OwnMetric): string {
  return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
}

test('docs/metrics.md has every metric as it is, and no other', async () => {
  const text = await readFile(new URL('../docs/metrics.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| `hypervisor_'));
  expect(rows).toEqual(ownMetrics().map(rowOf).toSorted());
});

test('names end in what is counted: seconds for times, total for counters', () => {
  for (const { name, type } of ownMetrics()) {
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).not.toMatch(/_(ms|milliseconds|minutes)/);
  }
});
