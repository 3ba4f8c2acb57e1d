import { describe, expect, test } from 'vitest';
import { addressRules, guardedLookup } from './addresses.ts';

const rules = addressRules([]);

describe('internal addresses are refused', () => {
  test.each([
    ['127.0.0.1', 'loopback'],
    ['127.8.8.8', 'loopback'],
    ['::1', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['10.1.2.3', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.0.1', 'private'],
    ['fd00:ec2::254', 'private'],
    ['169.254.169.254', 'link-local'],
    ['fe80::1', 'link-local'],
    ['100.100.100.200', 'carrier-grade NAT'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['240.0.0.1', 'reserved'],
    ['192.0.0.192', 'reserved'],
    ['168.63.129.16', 'platform'],
    // IPv4 addresses in the clothes of IPv6: mapped, translated, tunnelled.
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['64:ff9b::7f00:1', 'reserved'],
    ['2002:7f00:1::', 'reserved'],
    ['2001:0:7f00:1::', 'reserved'],
  ])('%s: %s', (address, kind) => {
    expect(rules.refusal(address)).toBe(kind);
  });
});

test.each(['93.184.215.14', '1.1.1.1', '2606:4700:4700::1111', '::ffff:1.1.1.1'])('%s is public', (address) => {
  expect(rules.refusal(address)).toBeNull();
});

describe('what the operator allows', () => {
  const allowing = addressRules(['10.1.0.0/16', 'fd00::/8', '127.0.0.1']);

  test.each(['10.1.255.1', 'fd12::1', '127.0.0.1', '::ffff:10.1.0.1'])('%s may be reached', (address) => {
    expect(allowing.refusal(address)).toBeNull();
  });

  test.each(['10.2.0.1', '127.0.0.2', 'fe80::1', '::1'])('%s may still not', (address) => {
    expect(allowing.refusal(address)).not.toBeNull();
  });

  test.each(['localhost', '10.0.0.0/40', '10.0.0', ''])('"%s" is no range', (text) => {
    expect(() => addressRules([text])).toThrow('must be an address like 10.0.0.7');
  });
});

const answerOf = (allowed: readonly string[], all: boolean) =>
  new Promise<unknown>((resolve) => {
    guardedLookup(addressRules(allowed))('localhost', { all }, (error, address) => resolve(error ?? address));
  });

describe('a look-up', () => {
  test('refuses a name that leads inside', async () => {
    expect(String(await answerOf([], true))).toContain('internal address (loopback)');
    expect(String(await answerOf([], false))).toContain('internal address (loopback)');
  });

  test('keeps of the addresses of a name those that may be reached', async () => {
    expect(await answerOf(['127.0.0.1'], true)).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect(await answerOf(['127.0.0.1'], false)).toBe('127.0.0.1');
  });
});
