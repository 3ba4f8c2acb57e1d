import type { z } from 'zod';
import { parseEngineAddress } from '../../runtimes/docker/engine-address.ts';
import type { DeploymentRow } from '../../store/deployments.ts';
import type { PlacedReplica } from '../../store/replica-reads.ts';
import type { NewDeployment, Submission } from '../../store/submit.ts';
import type { Deployment, Replica } from '../schemas/deployments.ts';

export type DeploymentAnswer = z.infer<typeof Deployment>;

/** `ready`: how many replicas are ready, by deployment; those that are missing have none. */
export function presentDeployment(row: DeploymentRow, ready: ReadonlyMap<string, number>): DeploymentAnswer {
  return {
    id: row.id,
    organization_id: row.organization_id,
    cluster_id: row.cluster_id,
    name: row.name,
    kind: row.kind,
    docker_image: row.docker_image,
    command: row.command,
    env: row.env,
    ports: row.ports,
    labels: row.labels,
    pull_policy: row.pull_policy,
    health_check: row.health_check,
    ram_required: Number(row.ram_required),
    cpu_required: Number(row.cpu_required),
    gpu_required: Number(row.gpu_required),
    gpu_models: row.gpu_models,
    gpu_memory_required: Number(row.gpu_memory_required),
    node_labels: row.node_labels,
    max_per_node: row.max_per_node,
    replicas: row.replicas,
    ready_replicas: ready.get(row.id) ?? 0,
    priority: row.priority,
    time_limit_s: row.time_limit_s,
    stop_grace_s: row.stop_grace_s,
    volumes: row.volumes,
    secrets: row.secrets,
    files: row.files,
    network: row.network,
    retry: row.retry,
    retries_used: row.retries_used,
    restart: row.restart,
    stop_signal: row.stop_signal,
    update: row.update_policy,
    revision: row.revision,
    stable_revision: row.stable_revision,
    updating: row.updating,
    update_message: row.update_message,
    status: row.status,
    attempt: row.attempt,
    reason_code: row.reason_code,
    reason: row.reason,
    exit_code: row.exit_code,
    submitted_by: row.submitted_by,
    array: arrayOf(row),
    schedule_id: row.schedule_id,
    keep_for_s: row.keep_for_s,
    unmet_dependencies: row.status === 'queued' ? row.unmet_dependencies : 0,
    file_set: row.file_set,
    created_at: row.created_at.toISOString(),
    queued_at: row.queued_at.toISOString(),
    admitted_at: row.admitted_at?.toISOString() ?? null,
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
    version: row.version,
  };
}

/** A deployment as it was written a moment ago, at `at`, without reading it back. */
export function presentSubmitted(submission: Submission, deployment: NewDeployment, at: Date): DeploymentAnswer {
  const time = at.toISOString();
  return {
    id: deployment.id,
    organization_id: submission.scope.organizationId,
    cluster_id: deployment.clusterId,
    name: deployment.name,
    kind: deployment.kind,
    docker_image: deployment.dockerImage,
    command: deployment.command === null ? null : [...deployment.command],
    env: { ...deployment.env },
    ports: [...deployment.ports],
    labels: { ...deployment.labels },
    pull_policy: deployment.pullPolicy,
    health_check: deployment.healthCheck,
    ram_required: deployment.ram,
    cpu_required: deployment.cpu,
    gpu_required: deployment.gpu,
    gpu_models: [...deployment.gpuModels],
    gpu_memory_required: deployment.gpuMemory,
    node_labels: { ...deployment.nodeLabels },
    max_per_node: deployment.maxPerNode,
    replicas: deployment.replicas,
    ready_replicas: 0,
    priority: deployment.priority,
    time_limit_s: deployment.timeLimitSeconds,
    stop_grace_s: deployment.stopGraceSeconds,
    volumes: [...deployment.volumes],
    secrets: [...deployment.secrets],
    files: deployment.files.map(({ path, mode, size, sha256 }) => ({ path, mode, size, sha256 })),
    network: deployment.network,
    retry: deployment.retry,
    retries_used: 0,
    restart: deployment.restart,
    stop_signal: deployment.stopSignal,
    update: deployment.updatePolicy,
    revision: 1,
    stable_revision: 1,
    updating: false,
    update_message: null,
    status: 'queued',
    attempt: 1,
    reason_code: null,
    reason: null,
    exit_code: null,
    submitted_by: submission.actor.userId,
    array: deployment.array && { id: deployment.array.id, index: 0, count: deployment.array.elementIds.length },
    schedule_id: deployment.scheduleId,
    keep_for_s: deployment.keepForSeconds,
    unmet_dependencies: deployment.dependencies.length,
    file_set: null,
    created_at: time,
    queued_at: time,
    admitted_at: null,
    started_at: null,
    finished_at: null,
    version: 1,
  };
}

function arrayOf({ array_id: id, array_index: index, array_count: count }: DeploymentRow): DeploymentAnswer['array'] {
  return id === null || index === null || count === null ? null : { id, index, count };
}

/** The machine of an engine on another one; null where it is this one. */
function hostOf(address: string | null): string | null {
  const parsed = address === null ? null : parseEngineAddress(address);
  return parsed === null || parsed.kind === 'unix' ? null : parsed.host;
}

/** `engineAddress`: under which name or address the machine of the installation's own engine is reached. */
export function presentReplica(
  row: PlacedReplica,
  { isChecked, engineAddress }: { isChecked: boolean; engineAddress: string },
): z.infer<typeof Replica> {
  const address = row.runtime !== 'simulated' ? (hostOf(row.engine_address) ?? engineAddress) : null;
  return {
    index: row.index,
    attempt: row.attempt,
    status: row.status,
    run: row.run,
    restarts: row.restarts,
    restarts_in_row: row.restarts_in_row,
    revision: row.revision,
    next_start_at: row.next_start_at?.toISOString() ?? null,
    node: row.node_name,
    gpu_devices: row.devices.map((device) => device.index),
    container_id: row.container_id,
    ports: row.ports.map((port) => ({ ...port, address })),
    ready: isReady(row, isChecked),
    health: isChecked && row.status === 'running' ? (row.health ?? 'starting') : row.health,
    health_since: row.health_since?.toISOString() ?? null,
    health_message: row.health_message,
    exit_code: row.exit_code,
    reason: row.reason,
    started_at: row.started_at?.toISOString() ?? null,
    finished_at: row.finished_at?.toISOString() ?? null,
    peak_ram: row.peak_ram === null ? null : row.peak_ram / 1000,
    cpu_seconds: row.cpu_ms === null ? null : Number(row.cpu_ms) / 1000,
  };
}

/** It can do its work: it runs and, where its health is checked, was found well. `readReady` in src/store/health.ts counts the same. */
function isReady({ status, health }: PlacedReplica, isChecked: boolean): boolean {
  return status === 'running' && (!isChecked || health === 'healthy');
}
