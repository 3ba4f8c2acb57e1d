import { describe, expect, test } from 'vitest';
import { readDraft, setInDraft, spanOf } from './draft.ts';

const good = 'docker_image: busybox # small\nram_required: 1\ncpu_required: 1\n';

const placed = (text: string) => {
  const draft = readDraft(text);
  return draft.problems.map((problem) => [problem.document, spanOf(draft, problem).line, problem.message]);
};

describe('what is wrong is found at its place', () => {
  test('in its document, at its line', () => {
    expect(placed(`${good}---\n${good}priority: 0\n`)).toEqual([[1, 8, 'must be from 1 to 100']]);
  });

  test('what is missing, at the beginning', () => {
    expect(placed('# first\ndocker_image: a\ncpu_required: 1\n')).toEqual([[0, 2, 'is missing']]);
  });

  test('what is no YAML, and what is no mapping', () => {
    expect(placed('a: [1\nb: 2\n')[0]?.[1]).toBeGreaterThan(0);
    expect(placed('- a\n')).toEqual([[0, 1, 'must be a mapping of fields']]);
  });

  test('empty documents are none', () => {
    expect(readDraft(`---\n${good}---\n---\n`).documents).toHaveLength(1);
    expect(readDraft('').documents).toHaveLength(0);
  });
});

describe('the form writes into the text', () => {
  test('comments and the other documents stay', () => {
    expect(setInDraft(`${good}---\nname: b\n`, 0, ['priority'], 7)).toBe(`${good}priority: 7\n---\nname: b\n`);
    expect(setInDraft(`${good}---\nname: b\n`, 1, ['name'], 'c')).toBe(`${good}---\nname: c\n`);
  });

  test('nested fields come and go with what is around them', () => {
    const nested = setInDraft(good, 0, ['health_check', 'http', 'port'], 80);
    expect(nested).toBe(`${good}health_check:\n  http:\n    port: 80\n`);
    expect(setInDraft(nested, 0, ['health_check', 'http', 'port'], undefined)).toBe(good);
    expect(setInDraft(good, 0, ['env', 'A'], undefined)).toBe(good);
    expect(setInDraft('retry:\n', 0, ['retry', 'limit'], 2)).toBe('retry:\n  limit: 2\n');
  });

  test('a command is one line', () => {
    expect(setInDraft(good, 0, ['command'], ['sh', '-c', 'echo a'])).toBe(`${good}command: [sh, -c, echo a]\n`);
  });

  test('into nothing, it begins a document', () => {
    expect(setInDraft('', 0, ['name'], 'a')).toBe('name: a\n');
    expect(setInDraft('# nothing yet\n', 0, ['name'], 'a')).toBe('# nothing yet\nname: a\n');
  });
});
