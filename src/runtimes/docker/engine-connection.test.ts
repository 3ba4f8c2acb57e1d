import { describe, expect, test } from 'vitest';
import { sshKeyPair } from '../../../test/support/ssh-keys.ts';
import { parseEngineAddress } from './engine-address.ts';
import { checkCredentials, connectionTo } from './engine-connection.ts';
import { connectConfig, parseHostKey } from './ssh-agent.ts';

const pair = sshKeyPair();
const other = sshKeyPair();
const locked = sshKeyPair({ passphrase: 'a', cipher: 'aes256-ctr', rounds: 1 });
const ssh = { key: pair.private, hostKey: pair.public };
const keyOf = (line: string) => parseHostKey(line).key;

const wrong = (address: string, credentials: Parameters<typeof checkCredentials>[1]) =>
  checkCredentials(parseEngineAddress(address), credentials);

describe('the credentials of an engine', () => {
  test('go with its address', () => {
    expect(wrong('ssh://root@host', { ssh })).toEqual([]);
    expect(wrong('unix:///socket', {})).toEqual([]);
    expect(wrong('tcp://host', {})).toMatchObject([{ field: 'tls' }]);
    expect(wrong('ssh://root@host', {})).toMatchObject([{ field: 'ssh' }]);
    expect(wrong('unix:///socket', { ssh })).toMatchObject([{ field: 'ssh' }]);
  });

  test('are keys that can be used', () => {
    expect(wrong('ssh://root@host', { ssh: { ...ssh, key: pair.public.slice(0, 20) } })).toMatchObject([
      { field: 'ssh.key' },
    ]);
    expect(wrong('ssh://root@host', { ssh: { ...ssh, key: locked.private } })).toEqual([
      { field: 'ssh.key', message: expect.stringContaining('without a passphrase') },
    ]);
    expect(wrong('ssh://root@host', { ssh: { ...ssh, hostKey: 'SHA256:abc' } })).toMatchObject([
      { field: 'ssh.host_key' },
    ]);
  });
});

describe('the key of a host', () => {
  test('is read from known_hosts, from a .pub file, and alone', () => {
    const alone = keyOf(pair.public);
    expect(keyOf(`[host]:2222 ${pair.public}`)).toEqual(alone);
    expect(keyOf(`${pair.public} root@host\n`)).toEqual(alone);
    expect(keyOf(other.public)).not.toEqual(alone);
  });

  test('is the only one that is believed', () => {
    const config = connectConfig({ host: 'host', port: 22, user: 'ops', ...ssh });
    const verify = config.hostVerifier as (key: Buffer) => boolean;
    expect(verify(keyOf(pair.public))).toBe(true);
    expect(verify(keyOf(other.public))).toBe(false);
    expect(config).toMatchObject({ username: 'ops', algorithms: { serverHostKey: ['ssh-ed25519'] } });
  });
});

test('connections speak HTTP over what the address says', () => {
  expect(connectionTo(parseEngineAddress('unix:///socket'), {}).options).toEqual({ socketPath: '/socket' });
  expect(connectionTo(parseEngineAddress('ssh://root@host'), { ssh }).options).toMatchObject({ protocol: 'http' });
  expect(() => connectionTo(parseEngineAddress('tcp://host'), {})).toThrow('needs TLS');
});
