import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import schema from '../../../../schema/deployment.schema.json' with { type: 'json' };
import { checkSchema, type Schema } from './check-schema.ts';

const good = { docker_image: 'busybox:1.36', ram_required: 1, cpu_required: 0.5 };
const problemsOf = (value: unknown) =>
  checkSchema(value, schema as Schema).map(({ path, message }) => `${path.join('.')} ${message}`);

test('every example is right', () => {
  const texts = import.meta.glob<string>('../../../../examples/*.yaml', {
    query: '?raw',
    import: 'default',
    eager: true,
  });
  expect(Object.keys(texts).length).toBeGreaterThan(0);
  for (const text of Object.values(texts)) {
    for (const document of parseAllDocuments(text)) expect(problemsOf(document.toJS())).toEqual([]);
  }
});

describe('what is wrong is told', () => {
  test.each([
    [{ ...good, docker_image: undefined }, 'docker_image is missing'],
    [{ ...good, docker_image: null }, 'docker_image is missing: text'],
    [
      { ...good, docker_image: 'Not An Image' },
      'docker_image must be an image like "busybox:1.36" or "registry.example.com/team/app:2"',
    ],
    [{ ...good, priority: 0 }, 'priority must be from 1 to 100'],
    [{ ...good, priority: 1.5 }, 'priority must be a whole number'],
    [{ ...good, kind: 'cron' }, 'kind must be one of job, service'],
    [{ ...good, env: { A: 1 } }, 'env.A must be text, in quotes'],
    [
      { ...good, env: { '1A': 'x' } },
      'env.1A has a name that must consist of letters, digits and "_", and not begin with a digit',
    ],
    [{ ...good, ports: [{ container: 0 }] }, 'ports.0.container must be from 1 to 65535'],
    [{ ...good, memory: 4 }, 'memory is no field of a deployment'],
    [{ ...good, retry: { limt: 4 } }, 'retry.limt is no field of retry'],
    [{ ...good, time_limit_s: 'long' }, 'time_limit_s must be a whole number'],
    [{ ...good, health_check: { http: { port: 'x' } } }, 'health_check.http.port must be a whole number'],
  ])('%j', (value, expected) => expect(problemsOf(value)).toEqual([expected]));
});

test('null is allowed where the schema says so, and x- is for anybody', () => {
  expect(problemsOf({ ...good, command: null, time_limit_s: null, 'x-owner': { team: 'blue' } })).toEqual([]);
});
