import { describe, expect, test } from 'vitest';
import { lookupEngine, parseEngineAddress, writeEngineAddress } from './engine-address.ts';

const look = (host: string) =>
  new Promise((resolve) => {
    lookupEngine(host, { all: true }, (error, found) => resolve(error ?? found));
  });

describe('the address of an engine', () => {
  test.each([
    ['unix:///var/run/docker.sock', { kind: 'unix', path: '/var/run/docker.sock' }, 'unix:///var/run/docker.sock'],
    ['tcp://gpu-1:2376', { kind: 'tcp', host: 'gpu-1', port: 2376 }, 'tcp://gpu-1:2376'],
    ['tcp://gpu-1', { kind: 'tcp', host: 'gpu-1', port: 2376 }, 'tcp://gpu-1:2376'],
    ['tcp://gpu-1:80', { kind: 'tcp', host: 'gpu-1', port: 80 }, 'tcp://gpu-1:80'],
    ['tcp://[fd00::1]:2376', { kind: 'tcp', host: 'fd00::1', port: 2376 }, 'tcp://[fd00::1]:2376'],
    ['ssh://ops@10.0.0.7', { kind: 'ssh', user: 'ops', host: '10.0.0.7', port: 22 }, 'ssh://ops@10.0.0.7:22'],
    ['ssh://ops@gpu-1:2222', { kind: 'ssh', user: 'ops', host: 'gpu-1', port: 2222 }, 'ssh://ops@gpu-1:2222'],
  ])('%s', (text, address, written) => {
    expect(parseEngineAddress(text)).toEqual(address);
    expect(writeEngineAddress(parseEngineAddress(text))).toBe(written);
    expect(parseEngineAddress(written)).toEqual(address);
  });

  test.each([
    '',
    'gpu-1',
    'unix://',
    'unix://host/path',
    'http://gpu-1',
    'tcp://',
    'tcp://user@gpu-1',
    'tcp://gpu-1/path',
    'ssh://a:b@c',
  ])('is refused: "%s"', (text) => expect(() => parseEngineAddress(text)).toThrow(/must be/));

  test.each([
    'tcp://169.254.169.254',
    'tcp://2852039166',
    'tcp://0xa9.0xfe.0xa9.0xfe',
    'tcp://[::ffff:169.254.169.254]',
    'tcp://[fe80::1]',
    'tcp://[fd00:ec2::254]',
    'tcp://0.0.0.0',
    'tcp://[::]',
    'ssh://root@100.100.100.200',
    'ssh://root@224.0.0.1',
  ])('never leads to where clouds keep their secrets: %s', (text) => {
    expect(() => parseEngineAddress(text)).toThrow('must not be');
  });

  test('a name is looked up, and refused where it leads there', async () => {
    expect(await look('169.254.169.254')).toMatchObject({ code: 'EREFUSED_ADDRESS' });
    expect(await look('127.0.0.1')).toMatchObject([{ address: '127.0.0.1' }]);
  });
});
