/** What the replicas of a deployment use, and whether that is far less than it asks for. */
import type { z } from 'zod';
import type { ControlPlane, UsageNow } from '../control/control-plane.ts';
import { oversizes, sayOversize } from '../core/usage.ts';
import { toThousandths } from '../store/amounts.ts';
import type { Database } from '../store/database.ts';
import { type DeploymentRow, readDeployment } from '../store/deployments.ts';
import { type PlacedReplica, readReplicas } from '../store/replica-reads.ts';
import type { Scope } from '../store/scope.ts';
import { notFound } from './errors.ts';
import { asAnswer } from './running-replica.ts';
import type { DeploymentStats, ReplicaStats } from './schemas/seeing-in.ts';

interface Deps {
  readonly db: Database;
  readonly control: ControlPlane;
}

/** Throws `not_found`, and `runtime_unreachable` where its engine does not answer. */
export async function readStats(
  { db, control }: Deps,
  scope: Scope,
  id: string,
): Promise<{ stats: z.infer<typeof DeploymentStats>; status: DeploymentRow['status'] }> {
  const row = await readDeployment(db, scope, id);
  if (row === null) throw notFound('deployment');
  const before = await readReplicas(db, scope, id, row.attempt);
  const running = before.filter(({ status }) => status === 'running');
  const looks = running.map(async ({ index, attempt, run, runtime, engine_id: engineId }) => {
    const key = { clusterId: row.cluster_id, deploymentId: id, attempt, replica: index, run };
    return [index, await asAnswer(control.lookAtUsage(control.runtimeOf(runtime, engineId), key))] as const;
  });
  const used = new Map(await Promise.all(looks));
  // What was seen just now is in the rows.
  const replicas = running.length === 0 ? before : await readReplicas(db, scope, id, row.attempt);
  const stats = {
    deployment_id: id,
    attempt: row.attempt,
    at: new Date().toISOString(),
    asked: { ram: Number(row.ram_required), cpu: Number(row.cpu_required), gpu: Number(row.gpu_required) },
    replicas: replicas.map((replica) => presentStats(replica, used.get(replica.index) ?? null)),
    hints: hintsOf(row, replicas),
  };
  return { stats, status: row.status };
}

function presentStats(row: PlacedReplica, used: UsageNow | null): z.infer<typeof ReplicaStats> {
  return {
    replica: row.index,
    status: row.status,
    used: used && {
      at: new Date(used.at).toISOString(),
      cpu: used.cpu === null ? null : used.cpu / 1000,
      ram: used.ram / 1000,
      gpus:
        used.gpus &&
        used.gpus.map(({ index, busy, memoryMib }) => ({
          index,
          busy,
          memory_gb: memoryMib === null ? null : Math.round((memoryMib * 1000) / 1024) / 1000,
        })),
    },
    peak_ram: row.peak_ram === null ? null : row.peak_ram / 1000,
    cpu_seconds: row.cpu_ms === null ? null : Number(row.cpu_ms) / 1000,
  };
}

/** None, where any of its replicas was never seen. */
export function hintsOf(
  row: Pick<DeploymentRow, 'ram_required' | 'cpu_required'>,
  replicas: readonly PlacedReplica[],
): string[] {
  const asked = { ram: toThousandths(row.ram_required), cpu: toThousandths(row.cpu_required) };
  const usages = replicas.map(({ peak_ram: peakRam, cpu_ms: cpuMs, started_at: startedAt, seen_at: seenAt }) => ({
    asked,
    watchedMs: startedAt === null || seenAt === null ? 0 : seenAt.getTime() - startedAt.getTime(),
    peakRam: peakRam ?? 0,
    cpuMs: Number(cpuMs ?? 0),
  }));
  return oversizes(usages).map(sayOversize);
}
