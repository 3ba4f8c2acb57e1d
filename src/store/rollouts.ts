/** One step of an update at a time, each in a transaction of its own: whoever dies in between leaves something to go on from. */
import { type RawBuilder, sql } from 'kysely';
import type { Node, Placement, Request } from '../core/model.ts';
import { placeReplica } from '../core/one-replica.ts';
import { freed } from '../core/resources.ts';
import { decideRollout, type Rollout, type RolloutReplica, type RolloutStep } from '../core/rollout.ts';
import type { ContainerKey } from '../runtimes/runtime.ts';
import { toThousandths } from './amounts.ts';
import { boundToEngines, namesOfVolumes } from './bound-to-engines.ts';
import { readClaims } from './claims.ts';
import type { Database, InTransaction } from './database.ts';
import type { DeploymentRow } from './deployments.ts';
import type { EventType } from './events.ts';
import { changedFields, giveUp, readRevisions, specOfRow, tell } from './revisions.ts';
import { type ClusterHead, readHead, readNodes } from './snapshot.ts';
import type { PlacementColumn, RevisionSpec } from './tables.ts';
import { type PlacedVolume, readVolumesByName } from './volumes.ts';
import type { EngineKey } from './work.ts';

export interface Advanced {
  readonly id: string;
  readonly attempt: number;
  readonly clusterId: string;
  /** Replicas are to be stopped, for another run or for good. */
  readonly toReplace: boolean;
  /** Replicas are to be started. */
  readonly toStart: boolean;
  /** Something was written. */
  readonly changed: boolean;
}

export interface Updating {
  readonly id: string;
  readonly cluster_id: string;
}

/** Those that are on their way from what runs to what is wanted. */
export async function readUpdating(db: Database): Promise<Updating[]> {
  return db
    .selectFrom('deployment')
    .select(['id', 'cluster_id'])
    .where('updating', '=', true)
    .where('status', '=', 'running')
    .orderBy('id')
    .limit(500)
    .execute();
}

/**
 * Does what is to be done next for one of them, in one transaction. Locks the cluster's row, the deployment, and then the nodes
 * by id: as a pass takes turns with it by the first, and observations come in the order of the rest. `proven` are runs of replicas
 * (`Trial`) without a health check that are ready.
 */
export async function advanceRollout(
  db: Database,
  { id, cluster_id: clusterId }: Updating,
  proven: readonly string[],
): Promise<Advanced | null> {
  return db.transaction().execute(async (tx) => {
    const head = await readHead(tx, clusterId, { lock: true });
    const row = await tx.selectFrom('deployment').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
    if (head === null || row === undefined || row.status !== 'running' || !row.updating) return null;
    const scope = { organizationId: row.organization_id };
    const volumes = await readVolumesByName(tx, scope, row.cluster_id, namesOfVolumes(row.volumes));
    const advance = new Advance(tx, head, row, requestOf(row, volumes), await readReplicas(tx, row, proven));
    for (const step of decideRollout(await advance.rollout())) await advance.take(step);
    return advance.end();
  });
}

/** A run of a replica that is new, and is ready by the time that it has run for. */
export interface Trial {
  /** Its attempt, replica and run. */
  readonly name: string;
  readonly key: ContainerKey;
  readonly engine: EngineKey;
}

const nameOfRun = sql`concat_ws('/', r.attempt, r.index, r.run)`;
const hasRunFor = (seconds: number | RawBuilder<unknown>) =>
  sql`r.started_at <= now() - make_interval(secs => ${seconds})`;

/** Those of the wanted revision that have run for long enough, if they really run. */
export async function readTrials(db: Database, { id }: Updating): Promise<Trial[]> {
  const enough = sql`coalesce((d.update_policy ->> 'min_ready_s')::float, ${defaultUpdatePolicy.min_ready_s})`;
  const { rows } = await sql<Omit<ContainerKey, 'deploymentId'> & EngineKey & { name: string }>`
    select ${nameOfRun} as name, d.cluster_id as "clusterId", r.attempt, r.index as replica, r.run, c.runtime, r.engine_id as "engineId"
      from deployment d join cluster c on c.id = d.cluster_id
      join replica r on r.deployment_id = d.id and r.attempt = d.attempt and r.revision = d.revision
     where d.id = ${id} and d.health_check is null and r.status = 'running' and ${hasRunFor(enough)}`.execute(db);
  return rows.map(({ name, runtime, engineId, ...key }) => ({
    name,
    key: { ...key, deploymentId: id },
    engine: { runtime, engineId },
  }));
}

interface ReplicaState {
  index: number;
  status: RolloutReplica['status'];
  revision: number;
  next_revision: number | null;
  failures: number;
  reason_code: string | null;
  reason: string | null;
  is_ready: boolean;
  is_unhealthy: boolean;
  node_id: string | null;
  ram: number | null;
  cpu: number | null;
  gpu: number | null;
  device_indexes: number[] | null;
  device_amounts: number[] | null;
}

async function readReplicas(tx: InTransaction, row: DeploymentRow, proven: readonly string[]): Promise<ReplicaState[]> {
  const { rows } = await sql<ReplicaState>`
    select r.index, r.status, r.revision, r.next_revision, r.failures, r.reason_code, r.reason, a.node_id,
           r.status = 'running' and case when ${row.health_check === null} then
             ${hasRunFor(minReadySeconds(row))} and (r.revision <> ${row.revision} or ${nameOfRun} = any(${[...proven]}::text[])) else coalesce(r.health = 'healthy', false) end as is_ready,
           r.revision = ${row.revision} and coalesce(r.health = 'unhealthy', false) as is_unhealthy, a.ram, a.cpu, a.gpu, a.device_indexes, a.device_amounts
      from replica r left join allocation a on a.deployment_id = r.deployment_id and a.replica = r.index and not a.next
     where r.deployment_id = ${row.id} and r.attempt = ${row.attempt} order by r.index`.execute(tx);
  return rows;
}

/** Where a service says nothing of how it is to be updated. */
export const defaultUpdatePolicy = { max_unavailable: 1, min_ready_s: 2, max_failures: 0 } as const;

function minReadySeconds(row: DeploymentRow): number {
  return (row.update_policy ?? defaultUpdatePolicy).min_ready_s;
}

class Advance {
  readonly #tx: InTransaction;
  readonly #head: ClusterHead;
  readonly #row: DeploymentRow;
  /** What each of its replicas asks for. */
  readonly #request: Request;
  readonly #replicas: readonly ReplicaState[];
  #specs: ReadonlyMap<number, RevisionSpec> = new Map();
  #nodes: readonly Node[] | null = null;
  #toReplace = false;
  #toStart = false;
  #changed = false;
  /** What could not be done, and why. */
  #waits: string | null = null;

  constructor(
    tx: InTransaction,
    head: ClusterHead,
    row: DeploymentRow,
    request: Request,
    replicas: readonly ReplicaState[],
  ) {
    this.#tx = tx;
    this.#head = head;
    this.#row = row;
    this.#request = request;
    this.#replicas = replicas;
  }

  async rollout(): Promise<Rollout> {
    const row = this.#row;
    this.#specs = new Map((await readRevisions(this.#tx, row)).map(({ revision, spec }) => [revision, spec]));
    const policy = row.update_policy ?? defaultUpdatePolicy;
    return {
      isTrial: row.revision !== row.stable_revision,
      wanted: row.replicas,
      maxUnavailable: policy.max_unavailable,
      maxFailures: policy.max_failures,
      replicas: this.#replicas.map((replica) => this.#seen(replica)),
    };
  }

  #seen(replica: ReplicaState): RolloutReplica {
    const { index, status, failures } = replica;
    return {
      index,
      status,
      isCurrent: this.#isAsWanted(replica.next_revision ?? replica.revision),
      isMoving: status === 'restarting' && replica.next_revision !== null,
      isReady: replica.is_ready,
      isUnhealthy: replica.is_unhealthy,
      failures,
      wasRemoved: status === 'ended' && replica.reason_code === 'scaled_down',
    };
  }

  /** Another number of replicas is none of a replica's business. */
  #isAsWanted(revision: number): boolean {
    if (revision === this.#row.revision) return true;
    const spec = this.#specs.get(revision);
    return spec !== undefined && changedFields(spec, specOfRow(this.#row)).every((name) => name === 'replicas');
  }

  take(step: RolloutStep): Promise<void> {
    switch (step.kind) {
      case 'roll_back':
        return this.#rollBack(step.index);
      case 'replace':
        return this.#replace(this.#replicas.find(({ index }) => index === step.index) as ReplicaState);
      case 'remove':
        return this.#remove(step.index);
      case 'place':
        return this.#place(step.index);
      case 'finish':
        return this.#finish();
    }
  }

  async #rollBack(index: number): Promise<void> {
    const replica = this.#replicas.find((one) => one.index === index);
    const why = replica?.is_unhealthy === true ? 'is unhealthy' : (replica?.reason ?? 'failed');
    await giveUp(this.#tx, this.#row, `replica ${index} ${why}`);
    this.#changed = true;
  }

  /** Where nothing changes in what it needs, it keeps what it has; else the difference is held for it before it is stopped. */
  async #replace(replica: ReplicaState): Promise<void> {
    const held = heldBy(replica);
    const { ram, cpu, gpu } = this.#request.perReplica;
    const isSame = held?.resources.ram === ram && held.resources.cpu === cpu && held.resources.gpu === gpu;
    const next = isSame ? null : await this.#findRoom(replica.index, held);
    if (next === undefined) return;
    const placement = next === null ? null : JSON.stringify(next);
    await sql`
      update replica
         set next_revision = ${this.#row.revision}, next_placement = ${placement}::jsonb, failures = 0, changed_at = now(),
             status = case when status = 'running' then 'replacing' else 'restarting' end,
             restarts_in_row = 0, next_start_at = case when status = 'restarting' then now() end
       where deployment_id = ${this.#row.id} and attempt = ${this.#row.attempt} and index = ${replica.index}
         and status in ('running', 'restarting')`.execute(this.#tx);
    this.#toReplace = true;
    await this.#told('replica.replacing', replica.index, `is replaced: revision ${this.#row.revision}`);
  }

  async #remove(index: number): Promise<void> {
    await sql`
      update replica set status = 'removing', next_start_at = null, next_revision = null, next_placement = null, changed_at = now()
       where deployment_id = ${this.#row.id} and attempt = ${this.#row.attempt} and index = ${index}
         and status in ('running', 'restarting')`.execute(this.#tx);
    this.#toReplace = true;
    await this.#told('replica.removing', index, 'is taken away: there are to be fewer replicas');
  }

  async #place(index: number): Promise<void> {
    const next = await this.#findRoom(index, null);
    if (next === undefined) return;
    const devices = JSON.stringify(
      next.device_indexes.map((device, at) => ({ index: device, amount: next.device_amounts[at] })),
    );
    // What is left of the one before is cleaned up like any run that ended.
    await sql`
      insert into replica_run (deployment_id, attempt, index, run, engine_id, container_id, exit_code, out_of_memory, reason_code, reason,
             started_at, finished_at, cleaned, node_id, node_name)
      select deployment_id, attempt, index, run, engine_id, container_id, exit_code, out_of_memory, reason_code, reason, started_at, finished_at, cleaned,
             node_id, node_name
        from replica where deployment_id = ${this.#row.id} and attempt = ${this.#row.attempt} and index = ${index} and status = 'ended'
      on conflict do nothing`.execute(this.#tx);
    await sql`
      insert into replica as r (deployment_id, attempt, index, revision, node_id, node_name, engine_id, devices)
      values (${this.#row.id}, ${this.#row.attempt}, ${index}, ${this.#row.revision}, ${next.node_id}, ${next.node_name},
              (select n.engine_id from node n where n.id = ${next.node_id}::uuid), ${devices}::jsonb)
      on conflict (deployment_id, attempt, index) do update
         -- There was one before: it goes on counting its runs, so that none is taken for an earlier one.
         set status = 'starting', run = r.run + 1, revision = excluded.revision, node_id = excluded.node_id,
             node_name = excluded.node_name, engine_id = excluded.engine_id, devices = excluded.devices, cleaned = false, changed_at = now(), failures = 0,
             restarts_in_row = 0, container_id = null, ports = '[]', exit_code = null, out_of_memory = false,
             reason_code = null, reason = null, started_at = null, finished_at = null, health = null,
             health_since = null, health_message = null
       where r.status = 'ended'`.execute(this.#tx);
    this.#toStart = true;
    await this.#told('replica.added', index, `is added on ${next.node_name}`);
  }

  async #finish(): Promise<void> {
    const { id, attempt, revision } = this.#row;
    await sql`
      update replica set revision = ${revision}, failures = 0
       where deployment_id = ${id} and attempt = ${attempt} and status <> 'ended'`.execute(this.#tx);
    await sql`
      update deployment set stable_revision = revision, updating = false, update_message = null, version = version + 1
       where id = ${id}`.execute(this.#tx);
    this.#changed = true;
    await tell(this.#tx, this.#row, 'deployment.update_finished', `all replicas are of revision ${revision}`, null);
  }

  /** Finds room and takes it; undefined where there is none, and then it is written down what it waits for. */
  async #findRoom(index: number, held: Placement | null): Promise<PlacementColumn | undefined> {
    const nodes = await this.#withPorts(await this.#openNodes(), held);
    if (nodes.length === 0) {
      this.#waits ??= `replica ${index} waits: its host ports (${hostPortsOf(this.#row).join(', ')}) are taken on every node`;
      return undefined;
    }
    const answer = placeReplica({
      nodes,
      request: this.#request,
      replica: index,
      held,
      others: this.#replicas.flatMap((one) => (one.index === index || one.node_id === null ? [] : [one.node_id])),
    });
    if (answer.kind === 'wait') {
      this.#waits ??= `replica ${index} waits for room: ${answer.message}`;
      return undefined;
    }
    await this.#allocate(index, answer.beside, held !== null);
    this.#nodes = null;
    return columnOf(answer.placement, await this.#nameOf(answer.placement.nodeId));
  }

  /** What is kept for those for whom others were stopped is not free. */
  async #openNodes(): Promise<readonly Node[]> {
    if (this.#nodes !== null) return this.#nodes;
    const nodes = await readNodes(this.#tx, this.#head.clusterId, { usable: this.#head.usable, lock: true });
    const claimed = (await readClaims(this.#tx, this.#head.clusterId)).flatMap(({ placements }) => placements);
    this.#nodes = nodes.map((node) => {
      const mine = claimed.filter(({ nodeId }) => nodeId === node.id);
      return mine.length === 0 ? node : freed(node, mine.map(negative));
    });
    return this.#nodes;
  }

  /**
   * A replica with host ports of its own keeps them, and so the machine that it has them of; a further one goes where they are free.
   * The constraint on them has the last word.
   */
  async #withPorts(nodes: readonly Node[], held: Placement | null): Promise<readonly Node[]> {
    const ports = hostPortsOf(this.#row);
    if (ports.length === 0) return nodes;
    if (held !== null) return nodes.filter(({ id }) => id === held.nodeId);
    const { rows } = await sql<{ id: string }>`
      select n.id from node n where n.cluster_id = ${this.#row.cluster_id} and exists (
        select 1 from port_claim p where p.machine = machine_of_node(n.id) and p.port = any(${ports}::text[]))
       order by n.id`.execute(this.#tx);
    const taken = new Set(rows.map(({ id }) => id));
    return nodes.filter(({ id }) => !taken.has(id));
  }

  async #nameOf(nodeId: string): Promise<string> {
    const node = await this.#tx.selectFrom('node').select('name').where('id', '=', nodeId).executeTakeFirstOrThrow();
    return node.name;
  }

  async #allocate(index: number, { nodeId, resources, devices }: Placement, next: boolean): Promise<void> {
    if (resources.ram + resources.cpu + resources.gpu === 0) return;
    await this.#tx
      .insertInto('allocation')
      .values({
        deployment_id: this.#row.id,
        replica: index,
        attempt: this.#row.attempt,
        cluster_id: this.#row.cluster_id,
        node_id: nodeId,
        ...resources,
        device_indexes: devices.map((device) => device.index),
        device_amounts: devices.map((device) => device.amount),
        // What its next run takes beside what it has: its ports it has already.
        host_ports: next ? [] : [...hostPortsOf(this.#row)],
        next,
      })
      .execute();
  }

  async #told(type: EventType, index: number, what: string): Promise<void> {
    this.#changed = true;
    await tell(this.#tx, this.#row, type, `replica ${index} ${what}`, null);
  }

  async end(): Promise<Advanced> {
    const { id, attempt, cluster_id: clusterId } = this.#row;
    if (this.#waits !== this.#row.update_message && !this.#changed) {
      await this.#tx.updateTable('deployment').set({ update_message: this.#waits }).where('id', '=', id).execute();
      if (this.#waits !== null) await tell(this.#tx, this.#row, 'deployment.update_waits', this.#waits, null);
      this.#changed = true;
    }
    return { id, attempt, clusterId, toReplace: this.#toReplace, toStart: this.#toStart, changed: this.#changed };
  }
}

function heldBy(replica: ReplicaState): Placement | null {
  const { node_id: nodeId, ram, cpu, gpu, device_indexes: indexes, device_amounts: amounts } = replica;
  if (nodeId === null || ram === null || cpu === null || gpu === null) return null;
  const devices = (indexes ?? []).map((index, at) => ({ index, amount: amounts?.[at] ?? 0 }));
  return { replica: replica.index, nodeId, resources: { ram, cpu, gpu }, devices };
}

/** As allocations name them: "tcp/8080". */
function hostPortsOf({ ports }: DeploymentRow): readonly string[] {
  return ports.flatMap(({ host, protocol }) => (host === null ? [] : [`${protocol}/${host}`]));
}

function requestOf(row: DeploymentRow, volumes: ReadonlyMap<string, PlacedVolume>): Request {
  const request = {
    perReplica: {
      ram: toThousandths(row.ram_required),
      cpu: toThousandths(row.cpu_required),
      gpu: toThousandths(row.gpu_required),
    },
    replicas: row.replicas,
    gpuModels: row.gpu_models,
    gpuMemory: toThousandths(row.gpu_memory_required),
    nodeLabels: row.node_labels,
    maxPerNode: row.max_per_node ?? 0,
  };
  return boundToEngines(request, row.volumes, volumes);
}

function columnOf({ nodeId, resources, devices }: Placement, name: string): PlacementColumn {
  return {
    node_id: nodeId,
    node_name: name,
    ...resources,
    device_indexes: devices.map((device) => device.index),
    device_amounts: devices.map((device) => device.amount),
  };
}

function negative({ resources: { ram, cpu, gpu }, devices, ...placement }: Placement): Placement {
  return {
    ...placement,
    resources: { ram: -ram, cpu: -cpu, gpu: -gpu },
    devices: devices.map(({ index, amount }) => ({ index, amount: -amount })),
  };
}
