/**
 * The tables as Kysely sees them; src/store/migrations is what they really are.
 *
 * `numeric` columns (amounts as people wrote them) arrive as strings and are turned into whole thousandths at the edge of
 * the store (amounts.ts). `timestamptz` arrives as Date, `bigint` as string.
 */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Condition, DependencyState, SkipChain } from '../core/dependencies.ts';
import type { MissedPolicy } from '../core/due-runs.ts';
import type { Health } from '../core/health.ts';
import type { DeploymentStatus } from '../core/lifecycle.ts';
import type { Backfill, Placement } from '../core/model.ts';
import type { DeploymentKind, ReplicaStatus, StopIntent } from '../core/progress.ts';
import type { RestartPolicy } from '../core/restart.ts';
import type { PreemptionRecord } from './commit-preemptions.ts';
import type { WaitingDetail } from './pass-detail.ts';

export type Role = 'owner' | 'admin' | 'developer' | 'viewer';
export type { DeploymentKind, StopIntent };
export type RuntimeKind = 'docker' | 'swarm' | 'simulated';
/** Those that an installation has without anybody adding one. */
export type OwnRuntimeKind = Exclude<RuntimeKind, 'swarm'>;
/** An engine by itself, a swarm by its manager, or the engine of one node of a swarm. */
export type EngineKind = 'docker' | 'swarm' | 'swarm_node';
/** What becomes of a run that is due while the one before it is not over. */
export type OverlapPolicy = 'allow' | 'forbid' | 'replace';
export type RunOutcome = 'submitted' | 'overlapped' | 'missed' | 'refused';
export type { MissedPolicy };
export type PullPolicy = 'always' | 'missing' | 'never';
export type DeliveryStatus = 'pending' | 'succeeded' | 'failed';

type Numeric = ColumnType<string, string | number, string | number>;
type Timestamp = ColumnType<Date, Date | string | undefined, Date | string>;
type NullableTimestamp = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;

export interface PortColumn {
  container: number;
  host: number | null;
  protocol: 'tcp' | 'udp';
}

export interface HealthCheckColumn {
  http: { port: number; path: string; expect_status: number | null } | null;
  tcp: { port: number } | null;
  command: string[] | null;
  interval_s: number;
  timeout_s: number;
  retries: number;
  start_period_s: number;
}

/** A named volume, or a directory of the engine's machine. */
export type VolumeColumn =
  | { name: string; path: string; read_only: boolean }
  | { host_path: string; path: string; read_only: boolean };

/** A GPU of a node of a swarm. */
export interface EngineDeviceColumn {
  model: string;
  driver: 'nvidia' | 'none';
}

/** As a variable, or as a file. */
export type SecretColumn = { name: string; env: string } | { name: string; path: string; mode: string };

export interface FileColumn {
  path: string;
  /** Octal, as it is written: "0644". */
  mode: string;
  /** Bytes. */
  size: number;
  sha256: string;
}

export type NetworkMode = 'shared' | 'private' | 'none';

export interface AllowedHostPath {
  path: string;
  read_only: boolean;
}

/** As the API writes it. */
export interface RetryColumn {
  limit: number;
  on: string[];
  exit_codes: number[];
}

export interface RestartColumn {
  policy: RestartPolicy['policy'];
  max_restarts: number | null;
}

export interface UpdatePolicyColumn {
  max_unavailable: number;
  min_ready_s: number;
  max_failures: number;
}

/** What an update may change, by the names of the columns of `deployment`; amounts as people write them. */
export interface RevisionSpec {
  docker_image: string;
  command: string[] | null;
  env: Record<string, string>;
  ram_required: number;
  cpu_required: number;
  gpu_required: number;
  replicas: number;
}

/** Where the next run of a replica goes, as an allocation says it. */
export interface PlacementColumn {
  node_id: string;
  node_name: string;
  ram: number;
  cpu: number;
  gpu: number;
  device_indexes: number[];
  device_amounts: number[];
}

export interface DeviceShareColumn {
  index: number;
  amount: number;
}

export interface Tables {
  installation: { id: string; singleton: Generated<boolean>; created_at: Timestamp };
  organization: { id: string; name: string; version: Generated<number>; created_at: Timestamp };
  user: {
    id: string;
    username: string;
    email: string;
    password: string;
    organization_id: string | null;
    operator: Generated<boolean>;
    created_at: Timestamp;
  };
  membership: { organization_id: string; user_id: string; role: Role; created_at: Timestamp };
  invite: {
    id: string;
    organization_id: string;
    code_hash: Buffer;
    role: Role;
    max_uses: number;
    uses: Generated<number>;
    expires_at: Timestamp;
    created_by: string | null;
    created_at: Timestamp;
  };
  session: {
    id: string;
    token_hash: Buffer;
    user_id: string;
    user_agent: string | null;
    last_used_at: NullableTimestamp;
    expires_at: Timestamp;
    created_at: Timestamp;
  };
  api_token: {
    id: string;
    organization_id: string;
    user_id: string;
    name: string;
    token_hash: Buffer;
    prefix: string;
    role: Role;
    expires_at: NullableTimestamp;
    last_used_at: NullableTimestamp;
    created_at: Timestamp;
  };
  registry_credential: {
    id: string;
    organization_id: string;
    server: string;
    username: string;
    password_encrypted: Buffer;
    created_at: Timestamp;
    updated_at: Timestamp;
  };
  secret: {
    id: string;
    organization_id: string;
    name: string;
    version: Generated<number>;
    value_encrypted: Buffer;
    is_text: boolean;
    created_by: string | null;
    created_at: Timestamp;
    updated_by: string | null;
    updated_at: Timestamp;
  };
  cluster: {
    id: string;
    organization_id: string;
    name: string;
    ram: Numeric;
    cpu: Numeric;
    gpu: Numeric;
    runtime: RuntimeKind;
    aging_interval_s: Generated<number>;
    reservation_after_s: Generated<number>;
    preemption: Generated<boolean>;
    preemption_min_run_time_s: Generated<number>;
    backfill: Generated<Backfill>;
    allowed_host_paths: JSONColumnType<AllowedHostPath[], string | undefined, string>;
    /** The engine row of its swarm; null: it is none. */
    swarm_id: string | null;
    lost_after_s: Generated<number>;
    retention_s: ColumnType<number | null, number | null | undefined, number | null>;
    deleting: Generated<boolean>;
    runtime_reachable: Generated<boolean>;
    runtime_message: string | null;
    version: Generated<number>;
    created_at: Timestamp;
  };
  node: {
    id: string;
    cluster_id: string;
    name: string;
    ram: number;
    cpu: number;
    gpu: number;
    ram_allocated: Generated<number>;
    cpu_allocated: Generated<number>;
    gpu_allocated: Generated<number>;
    schedulable: Generated<boolean>;
    labels: JSONColumnType<Record<string, string>, string | undefined, string>;
    engine_id: string | null;
    reachable: Generated<boolean>;
    unreachable_since: NullableTimestamp;
    engine_message: string | null;
    draining_since: NullableTimestamp;
    drain_deadline: NullableTimestamp;
    drain_jobs: 'finish' | 'stop' | null;
    drained_at: NullableTimestamp;
    maintenance_id: string | null;
    created_at: Timestamp;
  };
  maintenance_window: {
    id: string;
    organization_id: string;
    cluster_id: string;
    /** Null: all nodes of the cluster. */
    node_id: string | null;
    starts_at: Timestamp;
    ends_at: Timestamp;
    reason: string;
    begun_at: NullableTimestamp;
    ended_at: NullableTimestamp;
    created_at: Timestamp;
  };
  engine: {
    id: string;
    organization_id: string;
    name: string;
    address: string;
    credentials_encrypted: Buffer | null;
    reachable: boolean | null;
    message: string | null;
    since: Timestamp;
    ram: number | null;
    cpu: number | null;
    labels: JSONColumnType<Record<string, string>, string | undefined, string>;
    version: Generated<number>;
    kind: Generated<EngineKind>;
    swarm_id: string | null;
    swarm_node_id: string | null;
    node_address: string | null;
    availability: 'active' | 'pause' | 'drain' | null;
    hostname: string | null;
    devices: JSONColumnType<EngineDeviceColumn[], string | undefined, string>;
    created_at: Timestamp;
  };
  gpu_device: {
    node_id: string;
    index: number;
    model: string;
    memory_mib: Generated<number>;
    driver: Generated<'nvidia' | 'none'>;
    allocated: Generated<number>;
  };
  deployment: {
    id: string;
    organization_id: string;
    cluster_id: string;
    name: string;
    kind: DeploymentKind;
    docker_image: string;
    command: JSONColumnType<string[] | null, string | null, string | null>;
    env: JSONColumnType<Record<string, string>, string | undefined, string>;
    ports: JSONColumnType<PortColumn[], string | undefined, string>;
    labels: JSONColumnType<Record<string, string>, string | undefined, string>;
    pull_policy: Generated<PullPolicy>;
    health_check: JSONColumnType<HealthCheckColumn | null, string | null | undefined, string | null>;
    ram_required: Numeric;
    cpu_required: Numeric;
    gpu_required: Numeric;
    gpu_models: Generated<string[]>;
    gpu_memory_required: ColumnType<string, string | number | undefined, string | number>;
    node_labels: JSONColumnType<Record<string, string>, string | undefined, string>;
    max_per_node: number | null;
    replicas: Generated<number>;
    priority: number;
    time_limit_s: number | null;
    stop_grace_s: Generated<number>;
    volumes: JSONColumnType<VolumeColumn[], string | undefined, string>;
    secrets: JSONColumnType<SecretColumn[], string | undefined, string>;
    files: JSONColumnType<FileColumn[], string | undefined, string>;
    network: Generated<NetworkMode>;
    stop_signal: string | null;
    retry: JSONColumnType<RetryColumn | null, string | null | undefined, string | null>;
    retries_used: Generated<number>;
    restart: JSONColumnType<RestartColumn | null, string | null | undefined, string | null>;
    revision: Generated<number>;
    stable_revision: Generated<number>;
    update_policy: JSONColumnType<UpdatePolicyColumn | null, string | null | undefined, string | null>;
    updating: Generated<boolean>;
    update_message: string | null;
    shape: ColumnType<string, never, never>;
    status: Generated<DeploymentStatus>;
    attempt: Generated<number>;
    reason_code: string | null;
    reason: string | null;
    exit_code: number | null;
    stop_intent: StopIntent | null;
    delete_when_ended: Generated<boolean>;
    submitted_by: string | null;
    array_id: string | null;
    array_index: number | null;
    array_count: number | null;
    array_held: Generated<boolean>;
    unmet_dependencies: Generated<number>;
    held: ColumnType<boolean, never, never>;
    skip_chain: JSONColumnType<SkipChain | null, string | null, string | null>;
    schedule_id: string | null;
    keep_for_s: number | null;
    trace_parent: string | null;
    file_set: string | null;
    created_at: Timestamp;
    queued_at: Timestamp;
    admitted_at: NullableTimestamp;
    started_at: NullableTimestamp;
    finished_at: NullableTimestamp;
    changed_at: Timestamp;
    version: Generated<number>;
  };
  deployment_file: { deployment_id: string; sha256: string; content: Buffer };
  volume: {
    id: string;
    organization_id: string;
    cluster_id: string;
    name: string;
    engine_id: string | null;
    deleting: Generated<boolean>;
    created_by: string | null;
    created_at: Timestamp;
  };
  deployment_array: {
    id: string;
    organization_id: string;
    cluster_id: string;
    name: string;
    count: number;
    parallel: number | null;
    submitted_by: string | null;
    created_at: Timestamp;
  };
  schedule: {
    id: string;
    organization_id: string;
    cluster_id: string;
    name: string;
    cron: string;
    time_zone: string;
    overlap: OverlapPolicy;
    missed: MissedPolicy;
    missed_max: number;
    deployment: JSONColumnType<Record<string, unknown>, string, string>;
    paused: Generated<boolean>;
    next_at: NullableTimestamp;
    created_by: string | null;
    created_at: Timestamp;
    updated_at: Timestamp;
    version: Generated<number>;
  };
  schedule_run: {
    id: string;
    schedule_id: string;
    due_at: Timestamp;
    cause: 'schedule' | 'person';
    outcome: RunOutcome;
    message: string;
    deployment_id: string | null;
    created_at: Timestamp;
  };
  dependency: {
    deployment_id: string;
    position: number;
    upstream_id: string | null;
    upstream_array_id: string | null;
    upstream_name: string;
    condition: Condition;
    state: Generated<DependencyState>;
  };
  replica: {
    deployment_id: string;
    attempt: number;
    index: number;
    node_id: string | null;
    node_name: string;
    engine_id: string | null;
    devices: JSONColumnType<DeviceShareColumn[], string | undefined, string>;
    status: Generated<ReplicaStatus>;
    container_id: string | null;
    ports: JSONColumnType<PortColumn[], string | undefined, string>;
    exit_code: number | null;
    out_of_memory: Generated<boolean>;
    reason_code: string | null;
    reason: string | null;
    started_at: NullableTimestamp;
    finished_at: NullableTimestamp;
    cleaned: Generated<boolean>;
    health: Health | null;
    health_since: NullableTimestamp;
    health_message: string | null;
    run: Generated<number>;
    restarts: Generated<number>;
    restarts_in_row: Generated<number>;
    next_start_at: NullableTimestamp;
    changed_at: Timestamp;
    revision: Generated<number>;
    failures: Generated<number>;
    next_revision: number | null;
    next_placement: JSONColumnType<PlacementColumn | null, string | null | undefined, string | null>;
    peak_ram: number | null;
    cpu_ms: string | null;
    cpu_counter_ms: string | null;
    seen_at: NullableTimestamp;
  };
  revision: {
    deployment_id: string;
    revision: number;
    spec: JSONColumnType<RevisionSpec, string, string>;
    made_by: string | null;
    why: string;
    created_at: Timestamp;
  };
  replica_run: {
    deployment_id: string;
    attempt: number;
    index: number;
    run: number;
    engine_id: string | null;
    container_id: string | null;
    exit_code: number | null;
    out_of_memory: boolean;
    reason_code: string | null;
    reason: string | null;
    started_at: NullableTimestamp;
    finished_at: NullableTimestamp;
    cleaned: Generated<boolean>;
    node_id: string | null;
    node_name: string | null;
  };
  replica_log: {
    deployment_id: string;
    attempt: number;
    index: number;
    run: Generated<number>;
    content: Buffer;
    truncated: boolean;
    created_at: Timestamp;
  };
  allocation: {
    deployment_id: string;
    replica: number;
    attempt: number;
    cluster_id: string;
    node_id: string;
    ram: number;
    cpu: number;
    gpu: number;
    device_indexes: Generated<number[]>;
    device_amounts: Generated<number[]>;
    host_ports: Generated<string[]>;
    next: Generated<boolean>;
    created_at: Timestamp;
  };
  port_claim: { machine: string; port: string; deployment_id: string; replica: number; cluster_id: string };
  claim: {
    deployment_id: string;
    attempt: number;
    cluster_id: string;
    placements: JSONColumnType<Placement[], string, string>;
    victims: string[];
    created_at: Timestamp;
  };
  event: {
    tx: Generated<string>;
    id: Generated<string>;
    organization_id: string;
    cluster_id: string | null;
    deployment_id: string | null;
    type: string;
    message: string;
    data: JSONColumnType<Record<string, unknown>, string | undefined, string>;
    actor_id: string | null;
    created_at: Timestamp;
  };
  pass: {
    id: string;
    organization_id: string;
    cluster_id: string;
    trigger: 'automatic' | 'api';
    queued: number;
    admitted: number;
    promoted: number;
    reservations: number;
    preemptions: JSONColumnType<PreemptionRecord[], string | undefined, string>;
    bound: number | null;
    proven: boolean | null;
    solver: 'not_asked' | 'no_answer' | 'nothing_better' | 'better' | null;
    duration_ms: number;
    tx: Generated<string | null>;
    created_at: Timestamp;
  };
  pass_waiting: {
    pass_id: string;
    created_at: Timestamp;
    waiting: JSONColumnType<WaitingDetail['waiting'], string, string>;
    reasons: JSONColumnType<WaitingDetail['reasons'], string, string>;
    counted: number;
  };
  cluster_sample: {
    cluster_id: string;
    step_s: number;
    at: Timestamp;
    ram: string;
    cpu: string;
    gpu: string;
    ram_allocated: string;
    cpu_allocated: string;
    gpu_allocated: string;
    ram_used: string | null;
    cpu_used: string | null;
    gpu_used: string | null;
    queued: number;
    running: number;
  };
  idempotency_key: {
    organization_id: string;
    key: string;
    request_hash: Buffer;
    deployment_ids: string[];
    created_at: Timestamp;
  };
  webhook: {
    id: string;
    organization_id: string;
    url: string;
    description: Generated<string>;
    event_types: Generated<string[]>;
    cluster_ids: Generated<string[]>;
    enabled: Generated<boolean>;
    disabled_reason: string | null;
    secret_encrypted: Buffer;
    previous_secret_encrypted: Buffer | null;
    previous_secret_until: NullableTimestamp;
    cursor_tx: string;
    cursor_id: string;
    failing_since: NullableTimestamp;
    created_at: Timestamp;
  };
  webhook_delivery: {
    id: string;
    webhook_id: string;
    organization_id: string;
    event_tx: string | null;
    event_id: string | null;
    event_type: string;
    body: string;
    status: Generated<DeliveryStatus>;
    attempts: Generated<number>;
    next_attempt_at: NullableTimestamp;
    last_attempt_at: NullableTimestamp;
    duration_ms: number | null;
    response_code: number | null;
    error: string | null;
    created_at: Timestamp;
  };
}
