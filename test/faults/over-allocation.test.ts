/** The database itself refuses to give out more than there is, whoever writes: nothing above it has to be trusted. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, newOwner } from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let owner: Client;
beforeAll(async () => {
  service = await startTestService();
  owner = await newOwner(service.url);
});
afterAll(() => service.stop());

interface Allocation {
  ram?: number;
  cpu?: number;
  gpu?: number;
  devices?: number[];
  amounts?: number[];
  replica?: number;
}

/** A cordoned cluster of 4 GB, 4 cores and 2 devices, with one queued deployment to allocate for. */
async function setUp() {
  const cluster = await owner.createCluster({ ram: 4, cpu: 4, gpu: 2 });
  await owner.setSchedulable(cluster.id, false);
  const [node] = await owner.nodes(cluster.id);
  const deployment = await owner.submit(cluster.id);
  const allocate = ({ ram = 0, cpu = 0, gpu = 0, devices = [], amounts = [], replica = 0 }: Allocation) =>
    service.sql(
      `insert into allocation (deployment_id, replica, attempt, cluster_id, node_id, ram, cpu, gpu, device_indexes, device_amounts)
       values ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9)`,
      [deployment.id, replica, cluster.id, node!.id, ram, cpu, gpu, devices, amounts],
    );
  return { cluster, node: node!, deployment, allocate };
}

test('an allocation beyond the node or the device is refused, in every dimension', async () => {
  const { cluster, allocate } = await setUp();
  const refused: [string, Allocation, RegExp][] = [
    ['ram', { ram: 4001 }, /node_ram_not_over_allocated/],
    ['cpu', { cpu: 4001 }, /node_cpu_not_over_allocated/],
    ['gpu', { gpu: 2001 }, /node_gpu_not_over_allocated/],
    ['device', { gpu: 1001, devices: [0], amounts: [1001] }, /gpu_device_not_over_allocated/],
    ['no such device', { gpu: 1000, devices: [2], amounts: [1000] }, /GPU device/],
    ['negative', { ram: -1 }, /check constraint/],
    ['amounts without devices', { gpu: 500, amounts: [500] }, /check constraint/],
  ];
  for (const [name, allocation, message] of refused) {
    await expect(allocate(allocation), name).rejects.toThrow(message);
  }
  expect((await owner.cluster(cluster.id)).resources.allocated).toEqual({ ram: 0, cpu: 0, gpu: 0 });

  // All that there is fits, and then nothing more.
  await allocate({ ram: 4000, cpu: 4000, gpu: 2000, devices: [0, 1], amounts: [1000, 1000] });
  expect((await owner.cluster(cluster.id)).resources.available).toEqual({ ram: 0, cpu: 0, gpu: 0 });
  await expect(allocate({ ram: 1, replica: 1 })).rejects.toThrow(/node_ram_not_over_allocated/);
  await expect(allocate({ gpu: 1, devices: [1], amounts: [1], replica: 1 })).rejects.toThrow(/not_over_allocated/);
});

test('one replica holds resources once, and an allocation is never changed', async () => {
  const { deployment, allocate } = await setUp();
  await allocate({ ram: 1000 });
  await expect(allocate({ ram: 1000 })).rejects.toThrow(/allocation_pkey/);
  await expect(service.sql('update allocation set ram = 1 where deployment_id = $1', [deployment.id])).rejects.toThrow(
    /never changed/,
  );
  // What holds resources cannot be deleted from under them.
  await expect(service.sql('delete from deployment where id = $1', [deployment.id])).rejects.toThrow(/allocation/);
});

test('of many that race for the last of it, exactly as many win as fit', async () => {
  const { cluster, allocate } = await setUp();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, replica) => allocate({ ram: 1000, cpu: 500, replica })),
  );
  expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(4);
  expect((await owner.cluster(cluster.id)).resources.available).toEqual({ ram: 0, cpu: 2, gpu: 2 });
});

test('an allocation for nobody, or of a node that is none, is refused', async () => {
  const { cluster, node } = await setUp();
  const insert = (deploymentId: string, nodeId: string) =>
    service.sql(
      `insert into allocation (deployment_id, replica, attempt, cluster_id, node_id, ram, cpu, gpu)
       values ($1, 0, 1, $2, $3, 1, 1, 0)`,
      [deploymentId, cluster.id, nodeId],
    );
  await expect(insert(randomUUID(), node.id)).rejects.toThrow(/foreign key/);
  await expect(insert(randomUUID(), randomUUID())).rejects.toThrow(/foreign key/);
});
