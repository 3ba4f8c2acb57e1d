import { describe, expect, test } from 'vitest';
import { CliError } from '../errors.ts';
import { parseDeployments } from './load-deployments.ts';

const good = 'cluster: demo\ndocker_image: busybox\nram_required: 0.1\ncpu_required: 0.5\n';

function errorsOf(text: string): readonly string[] {
  try {
    parseDeployments(text, 'file.yaml');
  } catch (error) {
    if (error instanceof CliError) return error.hints;
    throw error;
  }
  return [];
}

test('documents become deployments, with the defaults of the API', () => {
  const [first, second, ...rest] = parseDeployments(`${good}---\n${good}priority: 7\n---\n`, 'file.yaml');
  expect(first).toMatchObject({ cluster: 'demo', kind: 'job', priority: 50, replicas: 1 });
  expect(second).toMatchObject({ priority: 7 });
  expect(rest).toEqual([]);
});

test("keys that begin with x- are somebody else's", () => {
  expect(parseDeployments(`${good}x-owner: { team: blue }\n`, 'file.yaml')[0]).not.toHaveProperty('x-owner');
});

describe('what is wrong is told with its document, line and field', () => {
  test('a wrong value', () => {
    expect(errorsOf(`${good}---\n${good}priority: 0\n`)).toEqual([
      'file.yaml, document 2, line 10: priority must be a whole number from 1 to 100',
    ]);
  });

  test('a missing field, at the beginning of its document', () => {
    expect(errorsOf('cluster: demo\ndocker_image: busybox\ncpu_required: 1\n')).toEqual([
      'file.yaml, line 1: ram_required is missing: a number of GB',
    ]);
  });

  test('a field that there is not', () => {
    expect(errorsOf(`${good}memory: 4\n`)).toEqual(['file.yaml, line 5: memory is no field of a deployment']);
  });

  test('what is no YAML', () => {
    expect(errorsOf('a: [1\nb: 2\n')[0]).toMatch(/^file\.yaml, line \d+: /);
  });

  test('what is no mapping', () => {
    expect(errorsOf('- a\n- b\n')).toEqual(['file.yaml, line 1: must be a mapping of fields']);
  });
});

test('a file without a deployment says so', () => {
  expect(() => parseDeployments('# nothing\n', 'file.yaml')).toThrow('holds no deployment');
});
