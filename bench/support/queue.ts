/** Queues as they look in life: a few hundred distinct requests, some far more common than others, submitted over hours. */
import { sql } from 'kysely';
import type { Database } from '../../src/store/database.ts';
import { newId } from '../../src/store/ids.ts';

export interface BenchCluster {
  readonly id: string;
  readonly organizationId: string;
  readonly nodeId: string;
}

export interface NodeSize {
  /** GB, cores, devices. */
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
}

/** A cluster of one node, in an organization of its own. */
export async function insertCluster(db: Database, size: NodeSize): Promise<BenchCluster> {
  const cluster = { id: newId(), organizationId: newId(), nodeId: newId() };
  await db.insertInto('organization').values({ id: cluster.organizationId, name: cluster.organizationId }).execute();
  await db
    .insertInto('cluster')
    .values({ id: cluster.id, organization_id: cluster.organizationId, name: 'bench', runtime: 'simulated', ...size })
    .execute();
  await db
    .insertInto('node')
    .values({
      id: cluster.nodeId,
      cluster_id: cluster.id,
      name: 'node-1',
      ram: size.ram * 1000,
      cpu: size.cpu * 1000,
      gpu: size.gpu * 1000,
    })
    .execute();
  for (let index = 0; index < size.gpu; index += 1) {
    await db.insertInto('gpu_device').values({ node_id: cluster.nodeId, index, model: 'generic' }).execute();
  }
  return cluster;
}

interface Shape {
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
  readonly priority: number;
  readonly timeLimit: number | null;
}

const rams = [0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16];
const cpus = [0.25, 0.5, 1, 2, 3, 4, 8];
const gpus = [0, 0, 0, 0, 0, 0, 0.5, 1];
const priorities = [10, 20, 30, 40, 50, 50, 50, 60, 70, 80];
const timeLimits = [null, null, 600, 3600, 14_400];

export function makeShapes(count: number, random: () => number): Shape[] {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  return Array.from({ length: count }, () => ({
    ram: pick(rams),
    cpu: pick(cpus),
    gpu: pick(gpus),
    priority: pick(priorities),
    timeLimit: pick(timeLimits),
  }));
}

/** Submissions of the last `spreadHours` hours. The first shapes are the most common (the k-th about as often as 1/k). */
export async function insertQueue(
  db: Database,
  cluster: BenchCluster,
  count: number,
  options: { shapes: readonly Shape[]; random: () => number; spreadHours: number },
): Promise<void> {
  const weights = options.shapes.map((_, i) => 1 / (i + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pickShape = () => {
    let left = options.random() * total;
    const index = weights.findIndex((weight) => (left -= weight) < 0);
    return options.shapes.at(index) as Shape;
  };
  for (let done = 0; done < count; done += 5000) {
    const rows = Array.from({ length: Math.min(5000, count - done) }, () => ({
      id: newId(),
      ...pickShape(),
      age: options.random() * options.spreadHours * 3600,
    }));
    await sql`
      insert into deployment (id, organization_id, cluster_id, name, kind, docker_image, ram_required, cpu_required,
             gpu_required, priority, time_limit_s, queued_at)
      select id, ${cluster.organizationId}::uuid, ${cluster.id}::uuid, 'bench', 'job', 'simulated/job', ram, cpu, gpu, priority,
             "timeLimit", now() - make_interval(secs => age)
        from json_to_recordset(${JSON.stringify(rows)}::json)
          as r(id uuid, ram numeric, cpu numeric, gpu numeric, priority smallint, "timeLimit" int, age double precision)`.execute(
      db,
    );
  }
}
