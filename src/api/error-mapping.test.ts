import { describe, expect, it } from 'vitest';
import { toApiError } from './error-mapping.ts';
import { ApiError, notFound } from './errors.ts';

function failure(properties: object, message = 'failed'): Error {
  return Object.assign(new Error(message), properties);
}

const nothing = {};

describe('errors', () => {
  it.each([
    [{ code: 'ECONNREFUSED' }, 'store_unavailable'],
    [{ code: 'ENOENT', syscall: 'connect' }, 'store_unavailable'],
    [{ code: '57P01' }, 'store_unavailable'],
    [{ code: '08006' }, 'store_unavailable'],
    [{ code: '53300' }, 'store_unavailable'],
    // A full disk, memory, a standby, a file that can't be read.
    [{ code: '53100' }, 'store_unavailable'],
    [{ code: '53200' }, 'store_unavailable'],
    [{ code: '25006' }, 'store_unavailable'],
    [{ code: '58030' }, 'store_unavailable'],
    // A connection that could not even begin on a full disk.
    [{ code: 'XX000', severity: 'FATAL' }, 'store_unavailable'],
    [{ code: 'XX000', severity: 'ERROR' }, 'internal_error'],
    [{ code: '40001' }, 'store_busy'],
    [{ code: '40P01' }, 'store_busy'],
    [{ code: '23505', constraint: 'user_username' }, 'username_taken'],
    [{ code: '23505', constraint: 'another' }, 'conflict'],
    [{ code: '22P02' }, 'not_found'],
    [{ code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }, 'body_too_large'],
    [{ code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }, 'unsupported_media_type'],
    [{ statusCode: 429 }, 'too_many_requests'],
    [{ statusCode: 418 }, 'malformed_request'],
    [{ statusCode: 500 }, 'internal_error'],
    [{ code: 'ENOENT', syscall: 'open' }, 'internal_error'],
    [{}, 'internal_error'],
  ])('%o becomes %s', (properties, code) => {
    expect(toApiError(failure(properties), nothing).code).toBe(code);
  });

  it('that are no Error at all are told nothing of', () => {
    expect(toApiError('secret', nothing).toProblem('r').detail).not.toContain('secret');
    expect(toApiError(undefined, nothing).code).toBe('internal_error');
  });

  it('that have no code are known by their words', () => {
    expect(toApiError(new Error('Connection terminated unexpectedly'), nothing).code).toBe('store_unavailable');
    expect(toApiError(new Error('timeout exceeded when trying to connect'), nothing).code).toBe('store_unavailable');
  });

  it('of the API itself stay as they are', () => {
    const error = notFound('cluster');
    expect(toApiError(error, nothing)).toBe(error);
  });

  it('of a NUL name the field that has it', () => {
    const request = { body: { command: ['a', 'b\u0000'], labels: { ok: 'x' } }, query: { name: 'n' } };
    expect(toApiError(failure({ code: '22021' }), request).errors).toEqual([
      { field: 'command.1', message: 'must not contain NUL' },
    ]);
  });

  it('that pass say when to try again', () => {
    expect(new ApiError('store_unavailable').headers).toEqual({ 'retry-after': '2' });
  });
});
