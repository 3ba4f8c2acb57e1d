import { expect, test } from 'vitest';
import { parseSecret, parseVolume } from './data-options.ts';

test.each([
  ['data:/data', { name: 'data', path: '/data', read_only: false }],
  ['data:/data:ro', { name: 'data', path: '/data', read_only: true }],
  ['/srv/sets:/sets:rw', { host_path: '/srv/sets', path: '/sets', read_only: false }],
])('--volume %s', (text, volume) => expect(parseVolume(text)).toEqual(volume));

test.each([
  ['db:DB_PASSWORD', { name: 'db', env: 'DB_PASSWORD' }],
  ['db:/run/secrets/db', { name: 'db', path: '/run/secrets/db' }],
  ['db:/run/secrets/db:0400', { name: 'db', path: '/run/secrets/db', mode: '0400' }],
])('--secret %s', (text, secret) => expect(parseSecret(text)).toEqual(secret));

test.each(['data', 'data:data', 'a:/b:c', ':/x'])('--volume %s is none', (text) => {
  expect(() => parseVolume(text)).toThrow('must be written');
});

test.each(['db', 'db:', ':X'])('--secret %s is none', (text) =>
  expect(() => parseSecret(text)).toThrow('must be written'),
);
