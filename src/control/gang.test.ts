import { expect, test } from 'vitest';
import { gangEnvironment, networkOf } from './gang.ts';

test('in a private network every replica knows its rank and the names of all, in their order', () => {
  const gang = { replicas: 3, network: 'private' } as const;
  expect(gangEnvironment(gang, 2)).toEqual({
    HYPERVISOR_REPLICAS: '3',
    HYPERVISOR_WORLD_SIZE: '3',
    HYPERVISOR_RANK: '2',
    HYPERVISOR_PEERS: 'replica-0,replica-1,replica-2',
    HYPERVISOR_MASTER_ADDR: 'replica-0',
  });
  expect(networkOf(gang, 2)).toEqual({ mode: 'private', alias: 'replica-2', members: 3 });
});

test.each(['shared', 'none'] as const)('in the network "%s" nobody has a name', (network) => {
  const gang = { replicas: 2, network };
  expect(gangEnvironment(gang, 1)).toEqual({
    HYPERVISOR_REPLICAS: '2',
    HYPERVISOR_WORLD_SIZE: '2',
    HYPERVISOR_RANK: '1',
  });
  expect(networkOf(gang, 1)).toEqual({ mode: network });
});
