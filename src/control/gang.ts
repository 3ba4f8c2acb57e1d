import type { ContainerNetwork } from '../runtimes/runtime.ts';
import type { NetworkMode } from '../store/tables.ts';

interface Gang {
  readonly replicas: number;
  readonly network: NetworkMode;
}

/** What a replica is called in the private network of its deployment. */
function replicaName(replica: number): string {
  return `replica-${replica}`;
}

export function networkOf({ replicas, network }: Gang, replica: number): ContainerNetwork {
  return network === 'private' ? { mode: network, alias: replicaName(replica), members: replicas } : { mode: network };
}

/**
 * What a replica is told about the others, in the words of distributed training: its rank, how many there are, and, where they
 * can reach each other by name, what they are called in the order of their ranks.
 */
export function gangEnvironment({ replicas, network }: Gang, replica: number): Record<string, string> {
  const peers = Array.from({ length: replicas }, (_, rank) => replicaName(rank));
  return {
    HYPERVISOR_REPLICAS: String(replicas),
    HYPERVISOR_WORLD_SIZE: String(replicas),
    HYPERVISOR_RANK: String(replica),
    ...(network === 'private' && {
      HYPERVISOR_PEERS: peers.join(','),
      HYPERVISOR_MASTER_ADDR: replicaName(0),
    }),
  };
}
