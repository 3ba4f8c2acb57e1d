/**
 * Submissions: written in one statement, however many there are.
 *
 * A submission is one deployment or a batch of them, accepted whole or not at all. Several submissions share one statement,
 * and so one commit (group commit, see submit-group.ts), without sharing their fate: one that names an unknown cluster is
 * left out and the others are written.
 */
import { sql } from 'kysely';
import type { Condition } from '../core/dependencies.ts';
import type { Database } from './database.ts';
import type { UpstreamRef } from './find-upstreams.ts';
import { findSubmitted } from './idempotency.ts';
import type { Actor, Scope } from './scope.ts';
import type {
  DeploymentKind,
  FileColumn,
  HealthCheckColumn,
  NetworkMode,
  PortColumn,
  PullPolicy,
  RestartColumn,
  RetryColumn,
  SecretColumn,
  UpdatePolicyColumn,
  VolumeColumn,
} from './tables.ts';

/** What a new deployment waits for: one of the two ids. */
export interface NewDependency extends UpstreamRef {
  readonly condition: Condition;
}

export interface NewDeployment {
  /** A UUID v7, made in the order of submission: it decides between equal times. Of an array: that of the first element. */
  readonly id: string;
  /** Null: it is a single one. */
  readonly array: {
    readonly id: string;
    /** So many at once; null: all. */
    readonly parallel: number | null;
    /** In order; the first is that of the deployment. */
    readonly elementIds: readonly string[];
  } | null;
  readonly dependencies: readonly NewDependency[];
  /** Seconds after its end until it is deleted; null: as its cluster says. */
  readonly keepForSeconds: number | null;
  /** The request that submits it, as traces name it; null: nobody traces. */
  readonly traceParent: string | null;
  /** Null: a person submits it. */
  readonly scheduleId: string | null;
  readonly clusterId: string;
  readonly name: string;
  readonly kind: DeploymentKind;
  readonly dockerImage: string;
  readonly command: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly PortColumn[];
  readonly labels: Readonly<Record<string, string>>;
  readonly pullPolicy: PullPolicy;
  readonly healthCheck: HealthCheckColumn | null;
  /** As people write them: GB, cores, devices. */
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
  readonly gpuModels: readonly string[];
  /** GB, of each device; 0: any will do. */
  readonly gpuMemory: number;
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Null: any number of replicas. */
  readonly maxPerNode: number | null;
  readonly replicas: number;
  readonly priority: number;
  readonly timeLimitSeconds: number | null;
  readonly stopGraceSeconds: number;
  readonly volumes: readonly VolumeColumn[];
  readonly secrets: readonly SecretColumn[];
  readonly files: readonly (FileColumn & { readonly content: Buffer })[];
  readonly network: NetworkMode;
  readonly stopSignal: string | null;
  /** Null: a failed attempt is not repeated. */
  readonly retry: RetryColumn | null;
  /** Null: replicas are not started again. */
  readonly restart: RestartColumn | null;
  /** Null: it is a job. */
  readonly updatePolicy: UpdatePolicyColumn | null;
}

export interface Submission {
  readonly scope: Scope;
  readonly actor: Actor;
  readonly deployments: readonly NewDeployment[];
  /** Null: submitted again, it makes new deployments. */
  readonly idempotency: { readonly key: string; readonly requestHash: Buffer } | null;
}

export type SubmissionOutcome =
  /** All are queued; `at` is their time of submission. */
  | { kind: 'accepted'; at: Date }
  /** The key was used before with the same request: these were made then. */
  | { kind: 'replayed'; ids: readonly string[] }
  /** The key was used before with another request. */
  | { kind: 'key_conflict' }
  | { kind: 'unknown_cluster'; clusterId: string }
  | { kind: 'cluster_deleting'; clusterId: string };

interface OutcomeRow {
  accepted: boolean;
  at: Date;
  missing: string | null;
  deleting: string | null;
}

/**
 * Writes the submissions with their events and idempotency keys, in one transaction. Returns an outcome for each, in order.
 * Throws what the database said if the statement as a whole failed: then nothing was written.
 */
export async function submitDeployments(
  db: Database,
  submissions: readonly Submission[],
): Promise<SubmissionOutcome[]> {
  const rows = await insertSubmissions(db, submissions);
  const outcomes: SubmissionOutcome[] = [];
  for (const [index, submission] of submissions.entries()) outcomes.push(await outcomeOf(db, submission, rows[index]));
  return outcomes;
}

async function outcomeOf(
  db: Database,
  submission: Submission,
  row: OutcomeRow | undefined,
): Promise<SubmissionOutcome> {
  if (row?.accepted) return { kind: 'accepted', at: row.at };
  // The first use of a key decides, also where its cluster has gone since.
  const before = await findSubmitted(db, submission.scope, submission.idempotency);
  if (before !== null) return before;
  if (row?.missing != null) return { kind: 'unknown_cluster', clusterId: row.missing };
  if (row?.deleting != null) return { kind: 'cluster_deleting', clusterId: row.deleting };
  throw new Error('a submission was neither accepted nor refused');
}

async function insertSubmissions(db: Database, submissions: readonly Submission[]): Promise<OutcomeRow[]> {
  const clusterIds = [...new Set(submissions.flatMap((one) => one.deployments.map((each) => each.clusterId)))];
  const { rows } = await sql<OutcomeRow>`
    with submission as materialized (
      select * from json_to_recordset(${JSON.stringify(submissions.map(submissionRecord))}::json)
        as s(submission int, organization_id uuid, actor_id uuid, key text, request_hash text, deployment_ids uuid[])
    ), item as materialized (
      select * from json_to_recordset(${JSON.stringify(submissions.flatMap(deploymentRecords))}::json)
        as i(submission int, id uuid, cluster_id uuid, name text, kind text, docker_image text, command jsonb, env jsonb,
             ports jsonb, labels jsonb, pull_policy text, ram numeric, cpu numeric, gpu numeric, gpu_models text[],
             gpu_memory numeric, node_labels jsonb, max_per_node int, replicas int, priority smallint, time_limit_s int, stop_grace_s int,
             stop_signal text, retry jsonb, restart jsonb, update_policy jsonb,
             health_check jsonb, volumes jsonb, secrets jsonb, files jsonb, contents jsonb, network text, message text,
             ids uuid[], array_id uuid, array_parallel int, dependencies jsonb, schedule_id uuid, keep_for_s int, trace_parent text)
    ), cluster_now as materialized (
      -- The lock waits for a deletion under way, and then sees what came of it.
      select id, organization_id, deleting from cluster where id = any(${clusterIds}::uuid[]) order by id for key share
    ), refused as materialized (
      select i.submission, min(i.cluster_id::text) filter (where c.id is null) as missing,
             min(i.cluster_id::text) filter (where c.deleting) as deleting
        from item i join submission s using (submission)
        left join cluster_now c on c.id = i.cluster_id and c.organization_id = s.organization_id
       where c.id is null or c.deleting
       group by i.submission
    ), key_made as (
      insert into idempotency_key (organization_id, key, request_hash, deployment_ids)
      select organization_id, key, decode(request_hash, 'hex'), deployment_ids from submission
       where key is not null and submission not in (select submission from refused)
       order by organization_id, key
      on conflict do nothing
      returning deployment_ids
    ), accepted as materialized (
      select submission, organization_id, actor_id from submission s
       where submission not in (select submission from refused)
         and (key is null or exists (select 1 from key_made k where k.deployment_ids = s.deployment_ids))
    ), element as materialized (
      -- One that is no array has one id.
      select i.*, a.organization_id, a.actor_id, e.id as element_id,
             case when i.array_id is not null then e.place - 1 end as array_index,
             case when i.array_id is not null then cardinality(i.ids) end as array_count
        from item i join accepted a using (submission) cross join lateral unnest(i.ids) with ordinality as e(id, place)
    ), made_array as (
      insert into deployment_array (id, organization_id, cluster_id, name, count, parallel, submitted_by)
      select array_id, organization_id, cluster_id, name, array_count, array_parallel, actor_id
        from element where array_index = 0
    ), made as (
      insert into deployment (id, organization_id, cluster_id, name, kind, docker_image, command, env, ports, labels, pull_policy,
             ram_required, cpu_required, gpu_required, gpu_models, gpu_memory_required, node_labels, max_per_node, replicas, priority,
             time_limit_s, stop_grace_s, stop_signal, retry, restart, update_policy, health_check, volumes, secrets, files, network, submitted_by,
             array_id, array_index, array_count, array_held, unmet_dependencies, schedule_id, keep_for_s, trace_parent)
      select i.element_id, i.organization_id, i.cluster_id, i.name, i.kind, i.docker_image, i.command, i.env, i.ports, i.labels,
             i.pull_policy, i.ram, i.cpu, i.gpu, i.gpu_models, i.gpu_memory, i.node_labels, i.max_per_node, i.replicas, i.priority,
             i.time_limit_s, i.stop_grace_s, i.stop_signal, i.retry, i.restart, i.update_policy, i.health_check, i.volumes, i.secrets, i.files, i.network, i.actor_id,
             i.array_id, i.array_index, i.array_count, i.array_parallel is not null, jsonb_array_length(i.dependencies), i.schedule_id, i.keep_for_s, i.trace_parent
        from element i order by i.element_id
    ), made_dependency as (
      -- In the order of ids: what is waited for is locked as it is referred to, and in no circle with others who lock it.
      insert into dependency (deployment_id, position, upstream_id, upstream_array_id, upstream_name, condition)
      select i.element_id, x.position, x.upstream_id, x.upstream_array_id, x.name, x.condition
        from element i cross join lateral jsonb_to_recordset(i.dependencies)
          as x(position smallint, upstream_id uuid, upstream_array_id uuid, name text, condition text)
       order by x.upstream_id, x.upstream_array_id, i.element_id
    ), filled as (
      insert into deployment_file (deployment_id, sha256, content)
      select i.element_id, f.key, decode(f.value, 'base64') from element i, jsonb_each_text(i.contents) f
       order by i.element_id, f.key
    ), told as (
      insert into event (organization_id, cluster_id, deployment_id, type, message, data, actor_id)
      select i.organization_id, i.cluster_id, i.element_id, 'deployment.submitted', i.message,
             jsonb_build_object('name', i.name, 'priority', i.priority), i.actor_id
        from element i order by i.element_id
    )
    select a.submission is not null as accepted, now() as at, r.missing, r.deleting
      from submission s left join accepted a using (submission) left join refused r using (submission)
     order by s.submission`.execute(db);
  return rows;
}

function submissionRecord(submission: Submission, index: number) {
  return {
    submission: index,
    organization_id: submission.scope.organizationId,
    actor_id: submission.actor.userId,
    key: submission.idempotency?.key ?? null,
    request_hash: submission.idempotency?.requestHash.toString('hex') ?? null,
    deployment_ids: submission.deployments.map((deployment) => deployment.id),
  };
}

function deploymentRecords(submission: Submission, index: number) {
  return submission.deployments.map((deployment) => ({
    submission: index,
    id: deployment.id,
    cluster_id: deployment.clusterId,
    name: deployment.name,
    kind: deployment.kind,
    docker_image: deployment.dockerImage,
    command: deployment.command,
    env: deployment.env,
    ports: deployment.ports,
    labels: deployment.labels,
    pull_policy: deployment.pullPolicy,
    ram: deployment.ram,
    cpu: deployment.cpu,
    gpu: deployment.gpu,
    gpu_models: deployment.gpuModels,
    gpu_memory: deployment.gpuMemory,
    node_labels: deployment.nodeLabels,
    max_per_node: deployment.maxPerNode,
    replicas: deployment.replicas,
    priority: deployment.priority,
    time_limit_s: deployment.timeLimitSeconds,
    stop_grace_s: deployment.stopGraceSeconds,
    health_check: deployment.healthCheck,
    ...dataRecord(deployment),
    ids: deployment.array?.elementIds ?? [deployment.id],
    array_id: deployment.array?.id ?? null,
    array_parallel: deployment.array?.parallel ?? null,
    schedule_id: deployment.scheduleId,
    keep_for_s: deployment.keepForSeconds,
    trace_parent: deployment.traceParent,
    dependencies: deployment.dependencies.map(({ deploymentId, arrayId, name, condition }, position) => ({
      position,
      upstream_id: deploymentId,
      upstream_array_id: arrayId,
      name,
      condition,
    })),
    stop_signal: deployment.stopSignal,
    retry: deployment.retry,
    restart: deployment.restart,
    update_policy: deployment.updatePolicy,
    message: `${deployment.name} was submitted with priority ${deployment.priority}`,
  }));
}

/** Contents once each, by their hashes. */
function dataRecord({ volumes, secrets, files, network }: NewDeployment) {
  return {
    volumes,
    secrets,
    files: files.map(({ path, mode, size, sha256 }) => ({ path, mode, size, sha256 })),
    contents: Object.fromEntries(files.map(({ sha256, content }) => [sha256, content.toString('base64')])),
    network,
  };
}
