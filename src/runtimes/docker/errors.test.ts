import { describe, expect, test } from 'vitest';
import { RuntimeError } from '../runtime.ts';
import { toPullError, toRuntimeError } from './errors.ts';

/** As dockerode throws it. */
function answer(statusCode: number, message: string, json: unknown = { message }): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), { statusCode, json });
}
const broken = (code: string) => Object.assign(new Error(code), { code });
const shim = 'failed to create shim task: OCI runtime create failed: runc create failed: unable to start';

describe('what the engine says, in plain words', () => {
  test.each([
    [`${shim} container process: exec: "nope": executable file not found in $PATH: unknown`, /no command "nope"/],
    [`${shim} container process: exec: "/a b": stat /a b: no such file or directory: unknown`, /no command "\/a b"/],
    [`${shim} container process: exec: "/etc": permission denied: unknown`, /"\/etc" is not a program/],
    ['driver failed programming: Bind for 0.0.0.0:8080 failed: port is already allocated', /host port 8080/],
    ['listen tcp4 0.0.0.0:81: bind: address already in use', /host port 81/],
    ['No command specified', /names no command/],
    ['write /var/lib/docker/tmp/x: no space left on device', /disk of the engine's machine is full/],
    ['standard_init_linux.go:228: exec user process caused: exec format error', /another kind of processor/],
    ['something new', /^something new$/],
  ])('%s', (message, expected) => {
    const error = toRuntimeError(answer(500, message), 'start_failed');
    expect(error).toMatchObject({ code: 'start_failed', message: expect.stringMatching(expected) });
  });

  test('a body that is no JSON is taken from the message', () => {
    expect(toRuntimeError(answer(500, 'plain text', null), 'start_failed').message).toBe('plain text');
  });
});

describe('the engine is away', () => {
  test.each([
    broken('ECONNREFUSED'),
    broken('ENOENT'),
    broken('ECONNRESET'),
    new Error('socket hang up'),
    answer(
      500,
      'connection error: dial unix /run/containerd/containerd.sock: connect: connection refused: unavailable',
    ),
  ])('%s', (error) => expect(toRuntimeError(error, 'start_failed').code).toBe('unreachable'));

  test("not where a registry's connection broke", () => {
    const refused = answer(500, 'Get "http://r:1/v2/": dial tcp: connect: connection refused', null);
    expect(toPullError('r:1/a', refused).code).toBe('image_pull_failed');
    const inStream = new RuntimeError('image_pull_failed', 'net/http: TLS handshake timeout');
    expect(toPullError('r:1/a', inStream).code).toBe('image_pull_failed');
  });
});

describe('pulls', () => {
  test.each([
    [404, 'pull access denied for x, repository does not exist or may require docker login', 'image_pull_denied'],
    [404, 'manifest for x:1 not found: manifest unknown', 'image_not_found'],
    [500, 'unauthorized: authentication required', 'image_pull_denied'],
    [500, 'toomanyrequests: rate limit', 'image_pull_failed'],
  ])('%i %s', (status, message, code) => {
    expect(toPullError('x:1', answer(status, message))).toMatchObject({
      code,
      message: expect.stringContaining('x:1'),
    });
  });

  test('with credentials that are refused name whose they are', () => {
    const refused = answer(500, 'unauthorized: authentication required');
    expect(toPullError('x:1', refused, { secrets: ['s3cret'], user: 'robot' }).message).toContain(
      'credentials of robot are wrong',
    );
  });

  test('hold no secret, neither in words nor in a cause', () => {
    const error = toPullError('x', answer(500, 'bad: s3cret and again s3cret'), { secrets: ['s3cret'], user: 'u' });
    expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain('s3cret');
  });
});
