import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const sources = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
const textOf = (name: string) => readFileSync(`${import.meta.dirname}/${name}`, 'utf8');

test('the core imports nothing from outside itself', () => {
  expect(sources.length).toBeGreaterThan(10);
  for (const name of sources) {
    const imported = [...textOf(name).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, path]) => path ?? '');
    expect([name, imported.filter((path) => !/^\.\/[\w.-]+\.ts$/.test(path))]).toEqual([name, []]);
  }
});

test('the core has no clock and no random source', () => {
  for (const name of sources)
    expect([name, /\bDate\b|\bperformance\b|Math\.random|setTimeout/.test(textOf(name))]).toEqual([name, false]);
});

test('only tests use the builders of tests', () => {
  expect(sources.filter((name) => textOf(name).includes("'./testing.ts'"))).toEqual([]);
});
