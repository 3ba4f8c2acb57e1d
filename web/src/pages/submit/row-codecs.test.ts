import { expect, test } from 'vitest';
import { environmentCodec, listCodec, portCodec, secretCodec } from './row-codecs.ts';

test('rows in which nothing was typed yet mean nothing', () => {
  expect(environmentCodec.read([{ name: '', value: 'x' }])).toBeUndefined();
  expect(portCodec.read([{ container: '', host: '', protocol: 'udp' }])).toBeUndefined();
  expect(secretCodec.read([{ name: '', target: '' }])).toBeUndefined();
  expect(listCodec({ name: '', path: '' }).read([{ name: '', path: '' }])).toBeUndefined();
});

test('what is written reads back', () => {
  const env = { A: '1', B: '' };
  const ports = [{ container: 80 }, { container: 53, host: 5353, protocol: 'udp' }];
  const secrets = [
    { name: 'token', env: 'TOKEN' },
    { name: 'key', path: '/run/key', mode: '0400' },
  ];
  const volumes = [
    { name: 'data', path: '/data', read_only: true },
    { host_path: '/srv', path: '/srv' },
  ];
  expect(environmentCodec.read(environmentCodec.write(env))).toEqual(env);
  expect(portCodec.read(portCodec.write(ports))).toEqual(ports);
  expect(secretCodec.read(secretCodec.write(secrets))).toEqual(secrets);
  const codec = listCodec({ name: '', path: '', read_only: false });
  expect(codec.read(codec.write(volumes))).toEqual(volumes);
});

test('what is no port is left as it was typed, to be told wrong', () => {
  expect(portCodec.read([{ container: '80a', host: '', protocol: 'tcp' }])).toEqual([{ container: '80a' }]);
});
