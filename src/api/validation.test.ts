import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApiError, type FieldError } from './errors.ts';
import { ClusterCreate } from './schemas/clusters.ts';
import { DeploymentBatchCreate, DeploymentCreate } from './schemas/deployments.ts';
import { validatorCompiler } from './validation.ts';

function errorsOf(schema: z.ZodType, data: unknown): readonly FieldError[] {
  const result = validatorCompiler({ schema, method: 'POST', url: '/', httpPart: 'body' })(data) as { error?: unknown };
  if (!(result.error instanceof ApiError)) throw new Error('it was valid');
  expect(result.error.code).toBe('validation_failed');
  return result.error.errors ?? [];
}

const valid = { cluster_id: 'x', docker_image: 'busybox:1.36', ram_required: 1, cpu_required: 1 };

describe('validation', () => {
  it('names the field of a body', () => {
    expect(errorsOf(ClusterCreate, { name: 'c', ram: -1 })).toEqual([
      { field: 'ram', message: 'must be 0 or more GB' },
    ]);
  });

  it('names what is missing', () => {
    const { ram_required: _, ...rest } = valid;
    expect(errorsOf(DeploymentCreate, rest)).toEqual([
      { field: 'ram_required', message: 'is missing: a number of GB' },
    ]);
    expect(errorsOf(DeploymentCreate, { ...valid, cluster_id: undefined })).toEqual([
      { field: 'cluster_id', message: 'is missing' },
    ]);
    expect(errorsOf(DeploymentCreate, undefined)).toEqual([{ field: 'body', message: 'is missing' }]);
  });

  it('names the entry and the variable inside of lists and records', () => {
    const deployments = [valid, { ...valid, env: { FOO: 'a\u0000b' } }];
    expect(errorsOf(DeploymentBatchCreate, { deployments })).toEqual([
      { field: 'deployments.1.env.FOO', message: 'must not contain NUL' },
    ]);
    expect(errorsOf(DeploymentCreate, { ...valid, env: { 'A/B': '' } })).toEqual([
      { field: 'env.A/B', message: 'must be the name of an environment variable' },
    ]);
  });

  it('names every field that is not known', () => {
    expect(errorsOf(DeploymentCreate, { ...valid, rma: 1, cup: 2 })).toEqual([
      { field: 'rma', message: 'is not known here' },
      { field: 'cup', message: 'is not known here' },
    ]);
  });

  it('says types and limits in words', () => {
    expect(errorsOf(DeploymentCreate, { ...valid, replicas: 0 })[0]?.message).toBe('must be at least 1');
    expect(errorsOf(DeploymentCreate, { ...valid, replicas: '1' })[0]?.message).toBe('must be a number');
    expect(errorsOf(DeploymentCreate, { ...valid, replicas: 1.5 })[0]?.message).toBe('must be a whole number');
    expect(errorsOf(DeploymentCreate, { ...valid, kind: 'cron' })[0]?.message).toBe('must be one of job, service');
    expect(errorsOf(DeploymentCreate, { ...valid, ports: {} })[0]?.message).toBe('must be a list');
  });

  it('sums up in a readable sentence', () => {
    const result = validatorCompiler({ schema: ClusterCreate, method: 'POST', url: '/', httpPart: 'body' })({
      name: '',
      ram: 'x',
    }) as { error: ApiError };
    expect(result.error.toProblem('r').detail).toMatch(
      /^`name` must not be empty, .*`ram` must be a number of GB\. Correct/,
    );
  });
});
