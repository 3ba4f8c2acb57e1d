/** A cluster and a queue drawn from openb, written into the store. */
import { sql } from 'kysely';
import type { Node, QueuedDeployment } from '../../src/core/model.ts';
import type { Database } from '../../src/store/database.ts';
import { newId } from '../../src/store/ids.ts';
import { insertNodes } from '../../src/store/nodes.ts';

/** So many rows in one statement. */
const chunk = 5000;

/** The id of the cluster. `now` is, in the times of the queue, the present. */
export async function insertOpenb(
  db: Database,
  nodes: readonly Node[],
  queue: readonly QueuedDeployment[],
  now: number,
): Promise<string> {
  const [organization, cluster] = [newId(), newId()];
  await db.insertInto('organization').values({ id: organization, name: organization }).execute();
  await db
    .insertInto('cluster')
    .values({ id: cluster, organization_id: organization, name: 'openb', runtime: 'simulated', ram: 0, cpu: 0, gpu: 0 })
    .execute();
  await db.transaction().execute((tx) => insertNodes(tx, cluster, nodes.map(newNode)));
  for (let done = 0; done < queue.length; done += chunk) {
    const rows = queue.slice(done, done + chunk).map((one) => row(one, now));
    await sql`
      insert into deployment (id, organization_id, cluster_id, name, kind, docker_image, ram_required, cpu_required, gpu_required,
             gpu_models, priority, queued_at)
      select id, ${organization}::uuid, ${cluster}::uuid, 'pod', 'job', 'simulated/job', ram, cpu, gpu,
             coalesce((select array_agg(m) from json_array_elements_text(models) m), '{}'), priority,
             now() - make_interval(secs => age_s)
        from json_to_recordset(${JSON.stringify(rows)}::json)
          as r(id uuid, ram numeric, cpu numeric, gpu numeric, models json, priority smallint, age_s double precision)`.execute(
      db,
    );
  }
  return cluster;
}

function newNode({ name, total, devices }: Node) {
  const of = devices.map(({ model, memory = 0 }) => {
    return { model, memoryMib: Math.round(memory * 1.024), driver: 'none' as const };
  });
  return { name, ram: total.ram, cpu: total.cpu, labels: {}, devices: of };
}

function row({ request, priority, queuedAt }: QueuedDeployment, now: number) {
  const { ram, cpu, gpu } = request.perReplica;
  return {
    id: newId(),
    ram: ram / 1000,
    cpu: cpu / 1000,
    gpu: gpu / 1000,
    models: request.gpuModels,
    priority,
    age_s: (now - queuedAt) / 1000,
  };
}
