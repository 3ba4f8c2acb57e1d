/** What the database says at one moment, as an auditor reads it: in one statement, so that it is of one moment. */
import type { DeploymentStatus, ReplicaStatus } from '../../src/core/lifecycle.ts';

export interface NodeState {
  readonly id: string;
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
  readonly ram_allocated: number;
  readonly cpu_allocated: number;
  readonly gpu_allocated: number;
}

export interface DeviceState {
  readonly node_id: string;
  readonly index: number;
  readonly allocated: number;
}

export interface DeploymentState {
  readonly id: string;
  readonly kind: 'job' | 'service';
  readonly status: DeploymentStatus;
  readonly attempt: number;
  readonly reason_code: string | null;
  /** So many are wanted. */
  readonly replicas: number;
  readonly revision: number;
  readonly updating: boolean;
  /** What an update waits for. */
  readonly update_message: string | null;
}

export interface ReplicaState {
  readonly deployment_id: string;
  readonly attempt: number;
  readonly index: number;
  readonly run: number;
  readonly status: ReplicaStatus;
  readonly cleaned: boolean;
  readonly reason_code: string | null;
}

export interface AllocationState {
  readonly deployment_id: string;
  readonly replica: number;
  readonly attempt: number;
  readonly node_id: string;
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
  readonly device_indexes: readonly number[];
  readonly device_amounts: readonly number[];
  /** For its next run, beside what it has. */
  readonly next: boolean;
}

export interface DatabaseState {
  readonly nodes: readonly NodeState[];
  readonly devices: readonly DeviceState[];
  readonly deployments: readonly DeploymentState[];
  readonly replicas: readonly ReplicaState[];
  readonly allocations: readonly AllocationState[];
  /** Runs of services whose replicas went on, and that are not cleaned up. */
  readonly runs_left: number;
}

export const stateQuery = `
  select (select coalesce(json_agg(n), '[]') from (select id, ram, cpu, gpu, ram_allocated, cpu_allocated, gpu_allocated from node order by id) n) as nodes,
         (select coalesce(json_agg(g), '[]') from (select node_id, index, allocated from gpu_device order by 1, 2) g) as devices,
         (select coalesce(json_agg(d), '[]') from (select id, kind, status, attempt, reason_code, replicas, revision, updating, update_message from deployment order by id) d) as deployments,
         (select coalesce(json_agg(r), '[]') from (select deployment_id, attempt, index, run, status, cleaned, reason_code
            from replica order by 1, 2, 3) r) as replicas,
         (select coalesce(json_agg(a), '[]') from (select deployment_id, replica, attempt, node_id, ram, cpu, gpu, device_indexes, device_amounts, next
            from allocation order by 1, 2, next) a) as allocations,
         (select count(*)::int from replica_run where not cleaned) as runs_left`;
