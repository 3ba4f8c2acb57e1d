import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyObservation,
  type DeploymentRecord,
  type Ended,
  type Observation,
  type Started,
  type StopIntent,
} from './progress.ts';

function deployment(given: Partial<DeploymentRecord> & { count?: number } = {}): DeploymentRecord {
  const { count = 1, ...rest } = given;
  return {
    id: 'd',
    organizationId: 'o',
    clusterId: 'c',
    attempt: 1,
    kind: 'job',
    timeLimitSeconds: 60,
    status: 'starting',
    stopIntent: null,
    stoppingSince: null,
    reasonCode: null,
    reason: null,
    exitCode: null,
    replicas: Array.from({ length: count }, (_, index) => ({
      index,
      status: 'starting' as const,
      containerId: null,
      ports: [],
      exitCode: null,
      outOfMemory: false,
      reasonCode: null,
      reason: null,
      startedAt: null,
      finishedAt: null,
    })),
    ...rest,
  };
}

const started = (replica = 0, attempt = 1): Started => ({
  kind: 'started',
  deploymentId: 'd',
  attempt,
  replica,
  containerId: `c${replica}`,
  at: 1000,
  ports: [],
});

const ended = (exitCode: number | null, given: Partial<Ended> = {}): Ended => ({
  kind: 'ended',
  deploymentId: 'd',
  attempt: 1,
  replica: 0,
  exitCode,
  outOfMemory: false,
  at: 2000,
  ...given,
});

describe('one replica', () => {
  test('runs when its container runs, and succeeds when it exits with 0', () => {
    const one = deployment();
    expect(applyObservation(one, started()).became).toBe('running');
    expect(applyObservation(one, ended(0)).became).toBe('succeeded');
    expect(one).toMatchObject({ status: 'succeeded', reasonCode: 'exit_zero', exitCode: 0 });
  });

  test('fails with its exit code', () => {
    const one = deployment({ status: 'running' });
    applyObservation(one, ended(3));
    expect(one).toMatchObject({ status: 'failed', reasonCode: 'exit_nonzero', reason: 'exited with 3', exitCode: 3 });
  });

  test('says so when it ran out of memory', () => {
    const one = deployment({ status: 'running' });
    applyObservation(one, ended(137, { outOfMemory: true }));
    expect(one).toMatchObject({ status: 'failed', reasonCode: 'out_of_memory', exitCode: 137 });
  });

  test('may end before it was seen running', () => {
    const one = deployment();
    expect(applyObservation(one, ended(0)).became).toBe('succeeded');
  });

  test('fails with the reason of a start that failed', () => {
    const one = deployment();
    applyObservation(one, ended(null, { cause: { code: 'image_not_found', message: 'there is no image nope' } }));
    expect(one).toMatchObject({
      status: 'failed',
      reasonCode: 'image_not_found',
      reason: 'there is no image nope',
      exitCode: null,
    });
  });

  test.each<[StopIntent, 'job' | 'service', string, string]>([
    ['stop', 'service', 'succeeded', 'stopped'],
    ['stop', 'job', 'cancelled', 'stopped'],
    ['cancel', 'job', 'cancelled', 'cancelled'],
    ['cluster_deleted', 'service', 'cancelled', 'cluster_deleted'],
    ['time_limit', 'job', 'failed', 'time_limit'],
  ])('that is stopping by %s (a %s) ends as %s', (stopIntent, kind, status, reasonCode) => {
    const one = deployment({ status: 'stopping', stopIntent, kind });
    applyObservation(one, ended(143));
    expect(one).toMatchObject({ status, reasonCode });
  });
});

describe('several replicas', () => {
  test('run when all run', () => {
    const two = deployment({ count: 2 });
    expect(applyObservation(two, started(1)).became).toBeNull();
    expect(applyObservation(two, started(0)).became).toBe('running');
  });

  test('succeed when all have exited with 0', () => {
    const two = deployment({ count: 2, status: 'running' });
    expect(applyObservation(two, ended(0, { replica: 1 })).became).toBeNull();
    expect(applyObservation(two, ended(0)).became).toBe('succeeded');
  });

  test('are stopped when one fails, and fail with its reason when the last has ended', () => {
    const two = deployment({ count: 2, status: 'running' });
    expect(applyObservation(two, ended(3, { replica: 1 })).became).toBe('stopping');
    expect(applyObservation(two, ended(143)).became).toBe('failed');
    expect(two).toMatchObject({ reasonCode: 'exit_nonzero', reason: 'replica 1 exited with 3', exitCode: 3 });
  });
});

const preempted = (count = 1) =>
  deployment({ count, status: 'stopping', stopIntent: 'preempted', stoppingSince: 1500, reason: 'stopped for x' });

describe('one that is stopped for somebody more important', () => {
  test.each([0, 1, 143, null])('is queued again when it has ended, with %s or whatever', (exitCode) => {
    const one = preempted();
    expect(applyObservation(one, ended(exitCode)).became).toBe('queued');
    expect(one).toMatchObject({ status: 'queued', reasonCode: 'preempted', reason: 'stopped for x', exitCode: null });
  });

  test('is queued again when its last replica has ended', () => {
    const two = preempted(2);
    expect(applyObservation(two, ended(143)).became).toBeNull();
    expect(applyObservation(two, ended(143, { replica: 1 })).became).toBe('queued');
  });

  test('has succeeded if it had before', () => {
    const one = preempted();
    expect(applyObservation(one, ended(0, { at: 1499 })).became).toBe('succeeded');
    expect(one).toMatchObject({ reasonCode: 'exit_zero', exitCode: 0 });
  });

  test('has failed if one of its replicas had before', () => {
    const two = preempted(2);
    applyObservation(two, ended(143, { replica: 1 }));
    expect(applyObservation(two, ended(3, { at: 1499 })).became).toBe('failed');
    expect(two).toMatchObject({ reasonCode: 'exit_nonzero', reason: 'replica 0 exited with 3', exitCode: 3 });
  });

  test('is queued again if only one of its replicas had succeeded before', () => {
    const two = preempted(2);
    applyObservation(two, ended(0, { replica: 1, at: 1499 }));
    expect(applyObservation(two, ended(143)).became).toBe('queued');
  });
});

describe('what comes late or twice changes nothing', () => {
  test('another attempt', () => {
    expect(applyObservation(deployment({ attempt: 2 }), started(0, 1)).accepted).toBe(false);
  });

  test('a replica that has ended', () => {
    const one = deployment();
    applyObservation(one, ended(0));
    expect(applyObservation(one, started()).accepted).toBe(false);
    expect(applyObservation(one, ended(1)).accepted).toBe(false);
    expect(one.status).toBe('succeeded');
  });

  test('a replica that does not exist', () => {
    expect(applyObservation(deployment(), started(7)).accepted).toBe(false);
  });
});

const observation: fc.Arbitrary<Observation> = fc
  .record({ replica: fc.integer({ min: 0, max: 3 }), attempt: fc.integer({ min: 1, max: 2 }) })
  .chain(({ replica, attempt }) =>
    fc.oneof(
      fc.constant(started(replica, attempt)),
      fc.constantFrom(0, 1, null).map((exitCode) => ended(exitCode, { replica, attempt })),
    ),
  );

test('whatever is seen in whatever order: each replica frees its resources once, and the deployment ends once, when all have ended', () => {
  fc.assert(
    fc.property(fc.array(observation, { maxLength: 40 }), (observations) => {
      const three = deployment({ count: 3 });
      const freed = new Map<number, number>();
      let ends = 0;
      for (const one of observations) {
        const step = applyObservation(three, one);
        if (step.replica?.status === 'ended') freed.set(step.replica.index, (freed.get(step.replica.index) ?? 0) + 1);
        if (step.became !== null && ['succeeded', 'failed', 'cancelled'].includes(step.became)) ends += 1;
      }
      const allEnded = three.replicas.every((replica) => replica.status === 'ended');
      expect([...freed.values()].every((times) => times === 1)).toBe(true);
      expect(ends).toBe(allEnded ? 1 : 0);
    }),
  );
});
