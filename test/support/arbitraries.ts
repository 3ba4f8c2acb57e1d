/** Random clusters and queues, small enough to try everything on them. */
import fc from 'fast-check';
import type { Node, QueuedDeployment } from '../../src/core/model.ts';

export const minute = 60_000;
export const now = 1_000 * minute;

export const nodes = fc
  .array(
    fc.record({
      ram: fc.integer({ min: 1, max: 8 }),
      cpu: fc.integer({ min: 1, max: 6 }),
      models: fc.array(fc.constantFrom('a100', 't4'), { maxLength: 3 }),
      schedulable: fc.constantFrom(true, true, true, false),
      zone: fc.constantFrom('a', 'b'),
      machine: fc.constantFrom({}, {}, { machine: 'shared' }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((all) =>
    all.map(({ ram, cpu, models, schedulable, zone, machine }, i): Node => {
      const total = { ram: ram * 1000, cpu: cpu * 1000, gpu: models.length * 1000 };
      const devices = models.map((model, index) => {
        return { index, model, memory: index === 0 ? 16_000 : 40_000, free: 1000 };
      });
      return { id: `n${i}`, name: `node ${i}`, total, free: total, devices, schedulable, labels: { zone }, ...machine };
    }),
  );

const requests = fc
  .record({
    ram: fc.integer({ min: 1, max: 6 }),
    cpu: fc.integer({ min: 0, max: 4 }),
    gpu: fc.constantFrom(0, 0, 0, 300, 500, 1000, 2000),
    replicas: fc.constantFrom(1, 1, 1, 2, 3),
    gpuModels: fc.constantFrom([], [], ['t4'], ['a100', 't4']),
    gpuMemory: fc.constantFrom(0, 0, 0, 40_000),
    nodeLabels: fc.constantFrom<Record<string, string>>({}, {}, {}, { zone: 'a' }),
    maxPerNode: fc.constantFrom(0, 0, 1, 2),
    hostPorts: fc.constantFrom([], [], [], [], ['tcp/80'], ['tcp/80', 'tcp/81']),
  })
  .map(({ ram, cpu, gpu, ...rest }) => ({ perReplica: { ram: ram * 1000, cpu: cpu * 1000, gpu }, ...rest }));

export const queues = (minLength: number, maxLength: number, priorities: readonly number[]) =>
  fc
    .array(
      fc.record({
        request: requests,
        priority: fc.constantFrom(...priorities),
        waited: fc.integer({ min: 0, max: 100 }),
        timeLimit: fc.constantFrom(null, 5 * minute, 50 * minute),
      }),
      { minLength, maxLength, size: 'max' },
    )
    .map((all) =>
      all.map(
        ({ request, priority, waited, timeLimit }, i): QueuedDeployment => ({
          id: `d${String(i).padStart(2, '0')}`,
          request,
          priority,
          queuedAt: now - waited * minute,
          timeLimit,
        }),
      ),
    );

/** The same, with nobody who needs a host port. */
export const withoutPorts = (queue: readonly QueuedDeployment[]): QueuedDeployment[] =>
  queue.map((one) => ({ ...one, request: { ...one.request, hostPorts: [] } }));
