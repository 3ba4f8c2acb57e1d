/**
 * The nodes of a swarm, as its manager tells them: each is an engine of its own, and a node of the cluster that is the swarm. Written by
 * whoever looks (control/swarms.ts), on nobody's behalf; each look finishes what the one before it did not.
 */
import { sql } from 'kysely';
import { wholeDevice } from '../core/model.ts';
import type { FoundNode } from '../runtimes/swarm/manager.ts';
import { lockCluster, sumUpNodes } from './cluster-row.ts';
import type { Database, InTransaction } from './database.ts';
import { drainNode } from './drain.ts';
import { newId } from './ids.ts';
import { createNode, deleteNode, type NewNode, updateNode } from './nodes.ts';
import type { Scope } from './scope.ts';
import type { EngineDeviceColumn } from './tables.ts';

export interface KnownSwarm {
  readonly id: string;
  readonly organizationId: string;
}

interface Member {
  readonly id: string;
  readonly swarm_node_id: string;
  readonly hostname: string;
  readonly availability: FoundNode['availability'] | null;
  readonly ram: number;
  readonly cpu: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly devices: readonly EngineDeviceColumn[];
  /** Its node in the cluster, and the labels of that; null where there is none (yet). */
  readonly node_id: string | null;
  readonly node_labels: Readonly<Record<string, string>> | null;
}

/** What a look at a swarm has changed here. */
export interface SwarmChanges {
  /** Engines came, went, or have another address. */
  readonly engines: boolean;
  /** Whose scheduler should look; null: nobody's. */
  readonly clusterId: string | null;
}

const system = { userId: null };

/** Writes down what was found. Two at once take turns. */
export async function followNodes(db: Database, swarm: KnownSwarm, found: readonly FoundNode[]): Promise<SwarmChanges> {
  const engines = await writeMembers(db, swarm, found);
  const clusterId = await clusterOf(db, swarm);
  const members = await readMembers(db, swarm, clusterId);
  const present = new Map(found.map((node) => [node.nodeId, node]));
  let changed = false;
  for (const member of members) {
    const node = present.get(member.swarm_node_id);
    if (node === undefined) changed = (await forget(db, swarm, clusterId, member)) || changed;
    else if (clusterId !== null) changed = (await bringUpToDate(db, swarm, clusterId, member, node)) || changed;
  }
  return { engines: engines || changed, clusterId: changed ? clusterId : null };
}

/** The nodes that a new cluster of the swarm begins with: those that are known by now. */
export async function nodesOfSwarm(db: Database, swarm: KnownSwarm): Promise<NewNode[]> {
  const members = await readMembers(db, swarm, null);
  return members.map((member) => toNewNode(member, members));
}

/** Whether an engine came, or has another address. */
async function writeMembers(db: Database, { id: swarmId, organizationId }: KnownSwarm, found: readonly FoundNode[]) {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{ name: string }>`
      select name from engine where id = ${swarmId} and kind = 'swarm' for no key update`.execute(tx);
    const [swarm] = rows;
    if (swarm === undefined) return false;
    const wanted = found.map(({ nodeId, hostname, engineAddress, capacity }) => ({
      id: newId(),
      // Two machines may have one name.
      name: `${swarm.name}-${hostname}-${nodeId.slice(0, 5)}`,
      address: engineAddress,
      swarm_node_id: nodeId,
      hostname,
      ram: capacity.ram,
      cpu: capacity.cpu,
      labels: capacity.labels,
      devices: capacity.devices.map(({ model, driver }) => ({ model, driver })),
    }));
    const written = await sql<{ version: number; is_new: boolean }>`
      insert into engine as e (id, organization_id, kind, swarm_id, name, address, swarm_node_id, hostname, ram, cpu, labels, devices)
      select id, ${organizationId}::uuid, 'swarm_node', ${swarmId}::uuid, name, address, swarm_node_id, hostname, ram, cpu, labels, devices
        from json_to_recordset(${JSON.stringify(wanted)}::json)
          as n(id uuid, name text, address text, swarm_node_id text, hostname text, ram int, cpu int, labels jsonb, devices jsonb)
       order by swarm_node_id
      on conflict (swarm_id, swarm_node_id) do update
         set address = excluded.address, hostname = excluded.hostname, ram = excluded.ram, cpu = excluded.cpu, labels = excluded.labels,
             devices = excluded.devices, version = e.version + case when e.address = excluded.address then 0 else 1 end
       where (e.address, e.hostname, e.ram, e.cpu, e.labels, e.devices)
             is distinct from (excluded.address, excluded.hostname, excluded.ram, excluded.cpu, excluded.labels, excluded.devices)
      returning version`.execute(tx);
    return written.rows.length > 0;
  });
}

async function clusterOf(db: Database, { id }: KnownSwarm): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`select id from cluster where swarm_id = ${id} and not deleting`.execute(
    db,
  );
  return rows[0]?.id ?? null;
}

async function readMembers(db: Database, { id }: KnownSwarm, clusterId: string | null): Promise<Member[]> {
  const { rows } = await sql<Member>`
    select e.id, e.swarm_node_id, e.hostname, e.availability, e.ram, e.cpu, e.labels, e.devices,
           n.id as node_id, n.labels as node_labels
      from engine e left join node n on n.engine_id = e.id and n.cluster_id = ${clusterId}::uuid
     where e.swarm_id = ${id} order by e.hostname, e.swarm_node_id`.execute(db);
  return rows;
}

function toNewNode(member: Member, all: readonly Member[]): NewNode {
  const isAlone = all.filter(({ hostname }) => hostname === member.hostname).length === 1;
  return {
    name: isAlone ? member.hostname : `${member.hostname}-${member.swarm_node_id.slice(0, 5)}`,
    ram: member.ram,
    cpu: member.cpu,
    labels: member.labels,
    devices: member.devices.map((device) => ({ ...device, memoryMib: 0 })),
    engineId: member.id,
  };
}

/** Its node in the cluster: made, resized, opened and closed as the swarm says. True where something was changed. */
async function bringUpToDate(
  db: Database,
  swarm: KnownSwarm,
  clusterId: string,
  member: Member,
  { availability }: FoundNode,
): Promise<boolean> {
  const scope = { organizationId: swarm.organizationId };
  let nodeId = member.node_id;
  if (nodeId === null) {
    const made = await createNode(db, scope, clusterId, toNewNode(member, await readMembers(db, swarm, null)), system);
    if (made.kind !== 'done') return false;
    nodeId = made.node.id;
  }
  const resized = await resize(db, scope, clusterId, nodeId, member);
  const relabelled = await relabel(db, scope, clusterId, member);
  // Only what changes there: what people do here stays as it is.
  if (availability === (member.availability ?? 'active')) return resized || relabelled || member.node_id === null;
  await follow(db, scope, clusterId, nodeId, availability);
  await sql`update engine set availability = ${availability} where id = ${member.id}`.execute(db);
  return true;
}

/** The swarm itself ends what runs on a node that is drained, jobs too. */
async function follow(
  db: Database,
  scope: Scope,
  clusterId: string,
  nodeId: string,
  availability: FoundNode['availability'],
): Promise<void> {
  if (availability === 'drain') {
    await drainNode(db, scope, clusterId, nodeId, { deadlineSeconds: null, jobs: 'stop' }, system);
  } else {
    await updateNode(db, scope, clusterId, nodeId, { schedulable: availability === 'active' }, system);
  }
}

/** What the swarm says of it, beside what people say here. */
async function relabel(db: Database, scope: Scope, clusterId: string, member: Member): Promise<boolean> {
  const { node_id: nodeId, node_labels: present, labels: wanted } = member;
  if (nodeId === null || present === null) return false;
  const missing = Object.entries(wanted).filter(([name, value]) => present[name] !== value);
  if (missing.length === 0) return false;
  await updateNode(db, scope, clusterId, nodeId, { labels: Object.fromEntries(missing) }, system);
  return true;
}

/** A node has what was found, but never less than is allocated on it: that ends by itself. Devices are exchanged while none is in use. */
async function resize(
  db: Database,
  scope: Scope,
  clusterId: string,
  nodeId: string,
  { ram, cpu, devices }: Member,
): Promise<boolean> {
  const { rows } = await sql<{ fits: boolean }>`
    select n.ram = greatest(${ram}::int, n.ram_allocated) and n.cpu = greatest(${cpu}::int, n.cpu_allocated)
           and (n.gpu = ${devices.length * wholeDevice} or n.gpu_allocated > 0) as fits
      from node n where n.id = ${nodeId}`.execute(db);
  if (rows[0]?.fits !== false) return false;
  return db.transaction().execute(async (tx) => {
    if ((await lockCluster(tx, scope, clusterId)) === undefined) return false;
    await sql`
      update node set ram = greatest(${ram}::int, ram_allocated), cpu = greatest(${cpu}::int, cpu_allocated)
       where id = ${nodeId}`.execute(tx);
    await exchangeDevices(tx, nodeId, devices);
    await sumUpNodes(tx, clusterId);
    await sql`update cluster set version = version + 1 where id = ${clusterId}`.execute(tx);
    return true;
  });
}

async function exchangeDevices(
  tx: InTransaction,
  nodeId: string,
  devices: readonly EngineDeviceColumn[],
): Promise<void> {
  const rows = devices.map((device, index) => ({ ...device, index }));
  const gpu = devices.length * wholeDevice;
  const idle = await sql`
    update node set gpu = ${gpu} where id = ${nodeId} and gpu_allocated = 0 and gpu <> ${gpu} returning id`.execute(tx);
  if (idle.rows.length === 0) return;
  await sql`delete from gpu_device where node_id = ${nodeId}`.execute(tx);
  await sql`
    insert into gpu_device (node_id, index, model, memory_mib, driver)
    select ${nodeId}::uuid, index, model, 0, driver
      from json_to_recordset(${JSON.stringify(rows)}::json) as g(index int, model text, driver text)`.execute(tx);
}

/** It has left the swarm. While something is held on it, it stays, as one that does not answer. */
async function forget(db: Database, swarm: KnownSwarm, clusterId: string | null, member: Member): Promise<boolean> {
  if (clusterId !== null && member.node_id !== null) {
    const scope = { organizationId: swarm.organizationId };
    const { kind } = await deleteNode(db, scope, clusterId, member.node_id, system);
    if (kind !== 'deleted') return false;
  }
  return db.transaction().execute(async (tx) => {
    // A volume is data: its engine is known for as long as it is.
    const { rows } = await sql`
      select 1 from engine e where e.id = ${member.id} and not exists (select 1 from node n where n.engine_id = e.id)
         and not exists (select 1 from volume v where v.engine_id = e.id) for update`.execute(tx);
    if (rows.length === 0) return false;
    // What is left on it is not ours to remove any more.
    await sql`update replica set cleaned = true where engine_id = ${member.id} and status = 'ended' and not cleaned`.execute(
      tx,
    );
    await sql`delete from engine where id = ${member.id}`.execute(tx);
    return true;
  });
}
