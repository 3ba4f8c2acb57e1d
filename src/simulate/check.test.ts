import { describe, expect, test } from 'vitest';
import { check, type Verdict } from './check.ts';
import { expectationsKind } from './expectations.ts';
import { InputError } from './input-error.ts';
import { measurable } from './metrics.ts';
import { simulate } from './simulate.ts';
import { easy, easyExample } from './testing.ts';
import { checkText } from './text/check-text.ts';
import { parseYaml } from './yaml-file.ts';

const measured = measurable(simulate(easyExample, easy, { until: null }));
const verdictsOn = (yaml: string): Verdict[] => check(measured, parseYaml(yaml, 'promises.yaml', expectationsKind));

/** Its waits are 0, 99, 0, 57 (priority 60) and 0 seconds. */
test.each([
  ['wait: {}\n  at_most: 99s', true, '1m39s'],
  ['wait: {}\n  at_most: 98s', false, '1m39s'],
  ['wait: { priority: 60 }\n  at_most: 1m', true, '57s'],
  ['wait: { priority: [51, 100], statistic: mean }\n  at_most: 56', false, '57s'],
  ['wait: { percentile: 50 }\n  at_most: 0s', true, '0s'],
  ['wait: { user: ada }\n  at_most: 0s', true, '0s'],
  ['wait: { priority: 1 }\n  at_most: 1h', false, null],
  ['bounded_slowdown: {}\n  at_most: 2', true, '1.97'],
  ['bounded_slowdown: { statistic: max }\n  at_most: 3', false, '3.85'],
  ['utilization: { dimension: cpu }\n  at_least: 84.5%', true, '84.5%'],
  ['utilization: { dimension: cpu, while_waiting: true }\n  at_least: 99%', false, '98.4%'],
  ['utilization: { dimension: gpu }\n  at_least: 1%', false, null],
  ['deployments: { outcome: succeeded }\n  at_least: 5', true, '5'],
  ['deployments: { outcome: timed_out }\n  at_most: 0', true, '0'],
  ['queue_length: {}\n  at_most: 2', true, '2'],
  ['makespan: {}\n  at_least: 3m\n  at_most: 1h', true, '3m14s'],
  ['admitted_of_bound: {}\n  at_least: 1', true, '100%'],
  ['fairness: {}\n  at_least: 0.5', true, '77%'],
])('%s', (yaml, passed, actual) => {
  expect(verdictsOn(`- ${yaml}`)).toMatchObject([{ passed, actual }]);
});

test('a failure names the worst offenders, the worst first', () => {
  const [verdict] = verdictsOn('- name: quick\n  wait: {}\n  at_most: 10s');
  expect(verdict).toMatchObject({
    beyond: 2,
    worst: [
      { id: 'B', value: 99 },
      { id: 'E', value: 57 },
    ],
  });
  const text = checkText([verdict!]);
  expect(text).toContain('✗ quick');
  expect(text).toContain('- expected  at most 10s');
  expect(text).toContain('+ actual    1m39s');
  expect(text).toContain('2 are beyond, the worst: B (1m39s), E (57s)');
  expect(text).toContain('0 of 1 expectations met, 1 failed');
});

test('what there is nothing of has not been achieved, and says so', () => {
  expect(checkText(verdictsOn('- wait: { priority: 1 }\n  at_most: 1h'))).toContain('nothing: the trace has none such');
});

test('a value that reads like the bound once it is rounded is written out', () => {
  expect(verdictsOn('- bounded_slowdown: {}\n  at_most: 1.9659')[0]?.actual).toMatch(/^1\.97 \(1\.966\d*\)$|^1\.97$/);
  expect(verdictsOn('- utilization: { dimension: cpu }\n  at_least: 84.54%')[0]?.actual).toMatch(/^84\.5% \(0\.8453/);
});

const errorsOf = (yaml: string): readonly string[] => {
  try {
    parseYaml(yaml, 'promises.yaml', expectationsKind);
  } catch (error) {
    if (error instanceof InputError) return error.details;
    throw error;
  }
  return [];
};

describe('a file that is wrong', () => {
  test.each([
    ['- wait: {}\n', 'line 1: expectation 1 must say at_most or at_least'],
    ['- at_most: 5m\n', 'line 1: expectation 1 must name what is expected of: one of wait, '],
    [
      '- wait: {}\n  makespan: {}\n  at_most: 5m\n',
      'line 1: expectation 1 must name one metric; wait and makespan are several',
    ],
    ['- wait: {}\n  at_most: soon\n', 'line 2: expectation 1, at_most is "soon"; it must be a duration like 90s'],
    ['- fairness: {}\n  at_least: 90\n', 'line 2: expectation 1, at_least is "90"; it must be a share like 90% or 0.9'],
    ['- wait: { priorty: 1 }\n  at_most: 5m\n', 'line 1: expectation 1, wait.priorty is no known field'],
    [
      '- wait: { priority: 101 }\n  at_most: 5m\n',
      'line 1: expectation 1, wait.priority must be a whole number from 1 to 100',
    ],
    [
      '- wait: { statistic: max, percentile: 9 }\n  at_most: 5m\n',
      'line 1: expectation 1, wait must name a statistic or a percentile',
    ],
    [
      '- utilization: { dimension: disk }\n  at_least: 1%\n',
      'line 1: expectation 1, utilization.dimension must be ram, cpu or gpu',
    ],
    ['wait: {}\n', 'line 1: the file must be a list of expectations'],
    ['- [\n', 'line 2: '],
  ])('%s', (yaml, error) => {
    expect(errorsOf(yaml)[0]).toContain(`promises.yaml, ${error}`);
  });
});
