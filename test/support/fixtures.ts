import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../../src/store/database.ts';

/** An organization with one cluster of one node, written straight into the store. */
export interface Fixture {
  readonly organizationId: string;
  readonly clusterId: string;
  readonly nodeId: string;
}

/** Amounts are whole GB, cores and devices. */
export async function makeCluster(
  db: Database,
  size: { ram: number; cpu: number; gpu: number } = { ram: 32, cpu: 8, gpu: 2 },
  runtime: 'simulated' | 'docker' = 'simulated',
): Promise<Fixture> {
  const fixture = { organizationId: uuidv7(), clusterId: uuidv7(), nodeId: uuidv7() };
  await db
    .insertInto('organization')
    .values({ id: fixture.organizationId, name: `org ${fixture.organizationId}` })
    .execute();
  await db
    .insertInto('cluster')
    .values({ id: fixture.clusterId, organization_id: fixture.organizationId, name: 'test', runtime, ...size })
    .execute();
  await db
    .insertInto('node')
    .values({
      id: fixture.nodeId,
      cluster_id: fixture.clusterId,
      name: 'node-1',
      ram: size.ram * 1000,
      cpu: size.cpu * 1000,
      gpu: size.gpu * 1000,
    })
    .execute();
  for (let index = 0; index < size.gpu; index += 1) {
    await db.insertInto('gpu_device').values({ node_id: fixture.nodeId, index, model: 'generic' }).execute();
  }
  return fixture;
}

/** Queues a deployment as the API would, and returns its id. */
export async function queueDeployment(
  db: Database,
  fixture: Fixture,
  given: {
    ram?: number;
    cpu?: number;
    gpu?: number;
    priority?: number;
    replicas?: number;
    env?: Record<string, string>;
    kind?: 'job' | 'service';
    ports?: readonly { container: number; host: number | null; protocol: 'tcp' | 'udp' }[];
    submittedBy?: string;
    /** The name of a volume that it uses. */
    volume?: string | null;
  } = {},
): Promise<string> {
  const id = uuidv7();
  await db
    .insertInto('deployment')
    .values({
      id,
      organization_id: fixture.organizationId,
      cluster_id: fixture.clusterId,
      name: 'test',
      kind: given.kind ?? 'job',
      docker_image: 'simulated/job',
      ram_required: given.ram ?? 1,
      cpu_required: given.cpu ?? 1,
      gpu_required: given.gpu ?? 0,
      priority: given.priority ?? 50,
      replicas: given.replicas ?? 1,
      env: JSON.stringify(given.env ?? {}),
      ports: JSON.stringify(given.ports ?? []),
      // Not said where it is none: the migrations are tested with deployments of before.
      ...(given.volume && { volumes: JSON.stringify([{ name: given.volume, path: '/data', read_only: false }]) }),
      submitted_by: given.submittedBy ?? null,
    })
    .execute();
  return id;
}
