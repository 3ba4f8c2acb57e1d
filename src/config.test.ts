import { expect, test } from 'vitest';
import { makeConfig } from './config.ts';

test('what is given comes before the environment, and that before the default', () => {
  expect(makeConfig({}, {})).toMatchObject({
    port: 7420,
    signInsPerMinute: 60,
    logLevel: 'info',
    registration: 'open',
  });
  expect(makeConfig({}, { HYPERVISOR_PORT: '80', HYPERVISOR_LOG_LEVEL: 'warn' })).toMatchObject({
    port: 80,
    logLevel: 'warn',
  });
  expect(makeConfig({}, { DATABASE_URL: '', REDIS_URL: '' })).toMatchObject({ databaseUrl: null, redisUrl: null });
  const ranges = makeConfig({}, { HYPERVISOR_WEBHOOK_ALLOW: '10.1.0.0/16, fd00::1,' }).webhookAllow;
  expect(ranges).toEqual(['10.1.0.0/16', 'fd00::1']);
  expect(makeConfig({ port: 0 }, { HYPERVISOR_PORT: '80' }).port).toBe(0);
});

test('host paths are absolute and normalised', () => {
  expect(makeConfig({}, {}).hostPaths).toEqual([]);
  expect(makeConfig({}, { HYPERVISOR_HOST_PATHS: '/srv:/mnt/data' }).hostPaths).toEqual(['/srv', '/mnt/data']);
  for (const wrong of ['srv', '/srv/', '/srv/../etc', '/a//b']) {
    expect(() => makeConfig({}, { HYPERVISOR_HOST_PATHS: wrong })).toThrow('must be absolute paths');
  }
});

test.each([
  ['HYPERVISOR_PORT', 'http'],
  ['HYPERVISOR_PORT', ''],
  ['HYPERVISOR_PORT', '65536'],
  ['HYPERVISOR_SIGN_INS_PER_MINUTE', '0'],
  ['HYPERVISOR_SIGN_INS_PER_MINUTE', 'many'],
  ['HYPERVISOR_UPLOAD_BYTES_MAX', '0'],
  ['HYPERVISOR_UPLOAD_BYTES_MAX', '1 GB'],
  ['HYPERVISOR_LOG_LEVEL', 'loud'],
  ['HYPERVISOR_REGISTRATION', 'closed'],
  ['HYPERVISOR_NETWORK_RANGE', '10.0.0.1/16'],
  ['HYPERVISOR_NETWORK_RANGE', '10.0.0.0/30'],
  ['HYPERVISOR_NETWORK_RANGE', 'fd00::/8'],
  ['HYPERVISOR_WEBHOOK_ALLOW', 'localhost'],
  ['HYPERVISOR_WEBHOOK_ALLOW', '10.0.0.0/8,10.0.0.0/33'],
])('%s=%s is refused before anything is started, in words that say what may stand there', (name, value) => {
  expect(() => makeConfig({}, { [name]: value })).toThrow(/is "[^"]*"; it must be /);
});
