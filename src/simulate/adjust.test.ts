import { expect, test } from 'vitest';
import { limited, loaded, prioritized } from './adjust.ts';
import { job, machine, traceOf } from './testing.ts';

const trace = traceOf(
  [machine(1)],
  [job('a', 10, {}, { marks: { qos: 'LS' } }), job('b', 30, {}, { marks: { qos: 'odd' } })],
);

test('more load: the same comes sooner', () => {
  expect(loaded(trace, 2).deployments.map(({ submittedAt }) => submittedAt)).toEqual([10_000, 20_000]);
});

test('priorities by class, with those of openb unless others are given', () => {
  expect(prioritized(trace, 'qos', {}).deployments.map(({ priority }) => priority)).toEqual([30, 50]);
  expect(prioritized(trace, 'qos', { LS: 1, odd: 99 }).deployments.map(({ priority }) => priority)).toEqual([1, 99]);
});

test('only the first few; every change is noted', () => {
  const { deployments, notes } = limited(trace, 1);
  expect(deployments.map(({ id }) => id)).toEqual(['a']);
  expect(notes).toHaveLength(1);
});
