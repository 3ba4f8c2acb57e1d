import { expect, test } from 'vitest';
import { allowedMount } from './allowed-host-paths.ts';

const allowed = [
  { path: '/data', read_only: false },
  { path: '/data/models', read_only: true },
  { path: '/srv/sets', read_only: true },
];

test.each([
  ['/data', false, { kind: 'allowed', within: '/data' }],
  ['/data/x/y', false, { kind: 'allowed', within: '/data' }],
  ['/data/models', true, { kind: 'allowed', within: '/data' }],
  ['/data/models/a', false, { kind: 'read_only' }],
  ['/data/models-2', false, { kind: 'allowed', within: '/data' }],
  ['/srv/sets/a', true, { kind: 'allowed', within: '/srv/sets' }],
  ['/srv/sets', false, { kind: 'read_only' }],
  ['/database', true, { kind: 'denied' }],
  ['/srv', true, { kind: 'denied' }],
  ['/', true, { kind: 'denied' }],
])('%s, read-only %s', (host_path, read_only, verdict) => {
  expect(allowedMount(allowed, { host_path, read_only })).toEqual(verdict);
});

test('where the root is allowed, everything is', () => {
  const root = [{ path: '/', read_only: true }];
  expect(allowedMount(root, { host_path: '/etc', read_only: true })).toEqual({ kind: 'allowed', within: '/' });
});
