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
    stopGraceSeconds: 10,
    retry: null,
    retriesUsed: 0,
    restart: null,
    revision: 1,
    stableRevision: 1,
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
      run: 1,
      revision: 1,
      failures: 0,
      restarts: 0,
      restartsInRow: 0,
      nextStartIn: null,
      health: null,
      healthMessage: null,
    })),
    ...rest,
  };
}

const started = (replica = 0, attempt = 1): Started => ({
  kind: 'started',
  deploymentId: 'd',
  attempt,
  replica,
  run: 1,
  containerId: `c${replica}`,
  at: 1000,
  ports: [],
});

const ended = (exitCode: number | null, given: Partial<Ended> = {}): Ended => ({
  kind: 'ended',
  deploymentId: 'd',
  attempt: 1,
  replica: 0,
  run: 1,
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

describe('a job that may be tried again', () => {
  const retry = { limit: 2, on: ['exit_nonzero', 'out_of_memory'], exitCodes: [] };

  test('goes back to the queue, and says which attempt failed of what', () => {
    const one = deployment({ status: 'running', retry });
    const step = applyObservation(one, ended(3));
    expect(step.became).toBe('queued');
    expect(step.retried).toEqual({ attempt: 1, reasonCode: 'exit_nonzero', exitCode: 3, retriesLeft: 1 });
    expect(one).toMatchObject({
      status: 'queued',
      retriesUsed: 1,
      reasonCode: 'retrying',
      reason: 'attempt 1 failed (exited with 3); queued again, retries left: 1',
      exitCode: null,
    });
  });

  test('fails once its retries are used', () => {
    const one = deployment({ status: 'running', retry, retriesUsed: 2 });
    expect(applyObservation(one, ended(3))).toMatchObject({ became: 'failed', retried: null });
    expect(one).toMatchObject({ reasonCode: 'exit_nonzero', exitCode: 3, retriesUsed: 2 });
  });

  test('goes back whole: the others are stopped first', () => {
    const two = deployment({ count: 2, status: 'running', retry });
    expect(applyObservation(two, ended(3, { replica: 1 })).became).toBe('stopping');
    expect(applyObservation(two, ended(143)).became).toBe('queued');
    expect(two.reason).toBe('attempt 1 failed (replica 1 exited with 3); queued again, retries left: 1');
  });

  test.each<[StopIntent, string]>([
    ['stop', 'cancelled'],
    ['cancel', 'cancelled'],
    ['cluster_deleted', 'cancelled'],
    ['time_limit', 'failed'],
  ])('is not, where it is ended by %s', (stopIntent, status) => {
    const one = deployment({ status: 'stopping', stopIntent, retry, stoppingSince: 1500 });
    expect(applyObservation(one, ended(143)).became).toBe(status);
    expect(one.retriesUsed).toBe(0);
  });

  test('is, after its time limit, where that is named', () => {
    const given = { ...retry, on: ['time_limit'] };
    const one = deployment({ status: 'stopping', stopIntent: 'time_limit', retry: given, stoppingSince: 1500 });
    expect(applyObservation(one, ended(143)).became).toBe('queued');
  });

  test('uses up none when it is preempted', () => {
    const one = deployment({ status: 'stopping', stopIntent: 'preempted', retry, stoppingSince: 1500 });
    expect(applyObservation(one, ended(143)).became).toBe('queued');
    expect(one).toMatchObject({ reasonCode: 'preempted', retriesUsed: 0 });
  });
});

const overdue = () =>
  deployment({ status: 'stopping', stopIntent: 'time_limit', stoppingSince: 1500, timeLimitSeconds: 60 });

describe('one that reached its time limit', () => {
  test.each([
    [143, 'ran longer than its time limit of 60 s, and ended within its grace of 10 s'],
    [0, 'ran longer than its time limit of 60 s, and ended within its grace of 10 s'],
    [137, 'ran longer than its time limit of 60 s, and was killed after its grace of 10 s'],
  ])('says whether it went by itself (%s)', (exitCode, reason) => {
    const one = overdue();
    applyObservation(one, ended(exitCode));
    expect(one).toMatchObject({ status: 'failed', reasonCode: 'time_limit', reason, exitCode });
  });

  test('has succeeded if it had before', () => {
    const one = overdue();
    expect(applyObservation(one, ended(0, { at: 1499 })).became).toBe('succeeded');
  });
});

describe('a service', () => {
  const restart = { policy: 'on_failure' as const, maxRestarts: 1 };
  const running = (given: Partial<DeploymentRecord> & { count?: number } = {}) => {
    const one = deployment({ kind: 'service', status: 'running', restart, ...given });
    for (const replica of one.replicas) Object.assign(replica, { status: 'running', startedAt: 1000 });
    return one;
  };

  test('keeps a replica that failed in its place, until its next start', () => {
    const one = running();
    const step = applyObservation(one, ended(3));
    expect(step).toMatchObject({ became: null, told: { type: 'replica.restarting' } });
    expect(one).toMatchObject({ status: 'running', reason: 'exited with 3; it is started again in 1 s' });
    expect(one.replicas[0]).toMatchObject({ status: 'restarting', nextStartIn: 1000, restarts: 1, exitCode: 3 });
    // The end that was told already is told once.
    expect(applyObservation(one, ended(3)).accepted).toBe(false);
  });

  test('fails when it was started again as often as it may be', () => {
    const one = running();
    Object.assign(one.replicas[0]!, { restartsInRow: 1 });
    expect(applyObservation(one, ended(3)).became).toBe('failed');
    expect(one).toMatchObject({
      reasonCode: 'restarts_used_up',
      reason: 'exited with 3, and was started again as often in a row as it may be (1)',
      exitCode: 3,
    });
  });

  test('goes on with its other replicas', () => {
    const two = running({ count: 2 });
    expect(applyObservation(two, ended(3, { replica: 1 })).became).toBeNull();
    expect(two.replicas.map(({ status }) => status)).toEqual(['running', 'restarting']);
    expect(two.reason).toBe('replica 1 exited with 3; it is started again in 1 s');
  });

  test('whose engine is lost is queued again, to run elsewhere, unless it is never started again', () => {
    const lost = ended(null, { cause: { code: 'engine_lost', message: 'its engine is gone' } });
    const one = running();
    expect(applyObservation(one, lost).became).toBe('queued');
    expect(one).toMatchObject({
      reasonCode: 'rescheduled',
      reason: 'its engine is gone; queued again, to run elsewhere',
    });
    expect(applyObservation(running({ restart: null }), lost).became).toBe('failed');
  });

  test('has done its work when it exits with 0', () => {
    expect(applyObservation(running(), ended(0)).became).toBe('succeeded');
  });

  test('fails at once if it never came up', () => {
    const one = deployment({ kind: 'service', restart });
    expect(applyObservation(one, ended(null, { cause: { code: 'image_not_found', message: 'no' } })).became).toBe(
      'failed',
    );
  });

  test('ends at once when it is stopped between two runs', () => {
    const one = running({ status: 'stopping', stopIntent: 'stop', stoppingSince: 1500 });
    Object.assign(one.replicas[0]!, { status: 'restarting', nextStartIn: 1000 });
    const step = applyObservation(one, { kind: 'called_off', deploymentId: 'd', attempt: 1, replica: 0, run: 1 });
    expect(step.became).toBe('succeeded');
    expect(one.replicas[0]).toMatchObject({ status: 'ended', nextStartIn: null });
  });

  test('whose replica is stopped because it is unhealthy starts it again for that reason, however its program takes it', () => {
    for (const exitCode of [0, 143]) {
      const one = running();
      Object.assign(one.replicas[0]!, { health: 'unhealthy', healthMessage: 'nothing listens on port 80' });
      expect(applyObservation(one, ended(exitCode)).told?.type).toBe('replica.restarting');
      expect(one.replicas[0]).toMatchObject({
        status: 'restarting',
        reasonCode: 'unhealthy',
        reason: 'was unhealthy: nothing listens on port 80',
      });
    }
    // Nobody stops it where it would not be started again: then it has ended by itself.
    const never = running({ restart: { policy: 'never', maxRestarts: null } });
    Object.assign(never.replicas[0]!, { health: 'unhealthy', healthMessage: '' });
    applyObservation(never, ended(3));
    expect(never.replicas[0]).toMatchObject({ status: 'ended', reasonCode: 'exit_nonzero' });
  });

  test('that is being updated counts what fails of it, whatever its restart policy, and goes on', () => {
    const one = running({ revision: 2, restart: { policy: 'never', maxRestarts: null } });
    Object.assign(one.replicas[0]!, { revision: 2 });
    expect(applyObservation(one, ended(0)).became).toBeNull();
    expect(one.replicas[0]).toMatchObject({ status: 'restarting', failures: 1 });
  });

  test('whose replica is replaced goes on, and its next run begins at once', () => {
    const one = running({ revision: 2 });
    Object.assign(one.replicas[0]!, { status: 'replacing' });
    expect(applyObservation(one, ended(143)).became).toBeNull();
    expect(one.replicas[0]).toMatchObject({
      status: 'restarting',
      nextStartIn: 0,
      restarts: 0,
      reasonCode: 'replaced',
    });
  });

  test('whose replica is taken away goes on without it', () => {
    const two = running({ count: 2 });
    Object.assign(two.replicas[1]!, { status: 'removing' });
    expect(applyObservation(two, ended(143, { replica: 1 })).became).toBeNull();
    expect(two).toMatchObject({ status: 'running' });
    expect(two.replicas[1]).toMatchObject({ status: 'ended', reasonCode: 'scaled_down' });
  });

  test('what an earlier run did changes nothing', () => {
    const one = running();
    Object.assign(one.replicas[0]!, { run: 2 });
    expect(applyObservation(one, ended(3)).accepted).toBe(false);
    expect(applyObservation(one, ended(3, { run: 2 })).accepted).toBe(true);
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
