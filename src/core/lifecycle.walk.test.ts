/** Every situation of a small deployment, met with every observation: what changes is what the tables of lifecycle.ts allow. */
import { describe, expect, test } from 'vitest';
import {
  activeStatuses,
  causesOf,
  type DeploymentStatus,
  isActive,
  type ReplicaStatus,
  replicaStatuses,
  replicaTransitions,
  statuses,
} from './lifecycle.ts';
import { applyObservation, type DeploymentRecord, type Observation, type StopIntent } from './progress.ts';
import { type reasons, reasonText } from './reasons.ts';
import type { RestartPolicy } from './restart.ts';
import { type RetryPolicy, retryableReasons } from './retry.ts';

type Cause = keyof typeof reasons;

const intents = ['stop', 'cancel', 'cluster_deleted', 'time_limit', 'replica_failed', 'preempted', 'drained'] as const;
/** The cause that a wish to stop is in the table. */
const causeOfIntent: Readonly<Record<StopIntent, Cause>> = {
  stop: 'stopped',
  cancel: 'cancelled',
  cluster_deleted: 'cluster_deleted',
  time_limit: 'time_limit',
  replica_failed: 'replica_failed',
  preempted: 'preempted',
  drained: 'drained',
};

const failedStarts = ['image_not_found', 'image_pull_denied', 'image_pull_failed', 'start_failed'] as const;
const about = { deploymentId: 'd', attempt: 2, replica: 0, run: 3 };
const ends: readonly Observation[] = [
  ...[0, 3, 137].map((exitCode) => ({ kind: 'ended' as const, ...about, exitCode, outOfMemory: false, at: 2_000 })),
  { kind: 'ended', ...about, exitCode: 137, outOfMemory: true, at: 2_000 },
  ...[...failedStarts, 'container_lost', 'engine_lost', 'stopped'].map((code) => ({
    kind: 'ended' as const,
    ...about,
    exitCode: null,
    outOfMemory: false,
    at: 2_000,
    cause: { code, message: code },
  })),
];
const counting: readonly Observation[] = [
  { kind: 'started', ...about, containerId: 'c', at: 1_000, ports: [] },
  ...ends,
  // Seen late: it ended before it was told to stop.
  ...ends.map((end) => ({ ...end, at: 500 })),
  { kind: 'called_off', ...about },
];
const observations: readonly Observation[] = counting.flatMap((one) => [
  one,
  { ...one, attempt: 1 },
  { ...one, run: 2 },
  { ...one, run: 4 },
  { ...one, replica: 2 },
]);

const retries: readonly (RetryPolicy | null)[] = [null, { limit: 2, on: retryableReasons, exitCodes: [] }];
const restarts: readonly (RestartPolicy | null)[] = [
  null,
  { policy: 'on_failure', maxRestarts: null },
  { policy: 'always', maxRestarts: null },
  { policy: 'always', maxRestarts: 1 },
];

/** Only a service starts replicas again, or lets go of some and goes on. */
const ofJobs: ReadonlySet<ReplicaStatus> = new Set(['starting', 'running', 'ended']);

interface Situation {
  readonly status: DeploymentStatus;
  readonly stopIntent: StopIntent | null;
  readonly kind: 'job' | 'service';
  readonly retry: RetryPolicy | null;
  readonly restart: RestartPolicy | null;
  readonly replicas: readonly ReplicaStatus[];
  readonly reasonCode: string | null;
  /** 2: what it is to be is only tried yet. */
  readonly revision: number;
  /** So are those of its replicas that run. */
  readonly isUnhealthy: boolean;
}

function* situations(): Generator<Situation> {
  const policies = [
    ...retries.map((retry) => ({ kind: 'job' as const, retry, restart: null })),
    ...restarts.map((restart) => ({ kind: 'service' as const, retry: null, restart })),
  ];
  const ones: ReplicaStatus[][] = replicaStatuses.map((one) => [one]);
  const twos = replicaStatuses.flatMap((one) => replicaStatuses.map((other) => [one, other]));
  for (const status of activeStatuses)
    for (const stopIntent of status === 'stopping' ? intents : [null])
      for (const policy of policies)
        for (const replicas of [...ones, ...twos]) {
          // Who has ended altogether is not active.
          if (replicas.every((one) => one === 'ended')) continue;
          if (policy.kind === 'job' && replicas.some((one) => !ofJobs.has(one))) continue;
          for (const reasonCode of stopIntent === 'replica_failed' ? failuresBefore : [null])
            for (const revision of policy.kind === 'service' ? [1, 2] : [1])
              for (const isUnhealthy of replicas.includes('running') ? [false, true] : [false])
                yield { status, stopIntent, ...policy, replicas, reasonCode, revision, isUnhealthy };
        }
}
const failuresBefore = [
  'exit_nonzero',
  'out_of_memory',
  'container_lost',
  'restarts_used_up',
  ...failedStarts,
  'engine_lost',
];

function recordOf({ replicas, ...given }: Situation): DeploymentRecord {
  return {
    id: 'd',
    organizationId: 'o',
    clusterId: 'c',
    attempt: 2,
    timeLimitSeconds: 60,
    stopGraceSeconds: 10,
    retriesUsed: 1,
    stableRevision: 1,
    stoppingSince: given.status === 'stopping' ? 1_500 : null,
    reason: null,
    exitCode: null,
    ...given,
    replicas: replicas.map((status, index) => ({
      index,
      status,
      containerId: null,
      ports: [],
      exitCode: status === 'ended' ? 0 : null,
      outOfMemory: false,
      reasonCode: status === 'ended' ? 'exit_zero' : null,
      reason: null,
      startedAt: null,
      // The run before the next start ended before anybody could stop it.
      finishedAt: status === 'ended' ? 1_600 : status === 'restarting' ? 400 : null,
      run: 3,
      revision: given.revision,
      failures: 0,
      restarts: 1,
      restartsInRow: 1,
      nextStartIn: status === 'restarting' ? 1_000 : null,
      health: given.isUnhealthy && status === 'running' ? 'unhealthy' : null,
      healthMessage: null,
    })),
  };
}

/** Everything that was seen to happen, as `from > to: cause`. */
const seenOfDeployments = new Set<string>();
const seenOfReplicas = new Set<string>();
const illegal: string[] = [];

for (const situation of situations())
  for (const observation of observations) {
    // Nobody stops what is not to stop.
    if (observation.kind === 'ended' && observation.cause?.code === 'stopped' && situation.status !== 'stopping')
      continue;
    const before = recordOf(situation);
    const after = structuredClone(before);
    const step = applyObservation(after, observation);
    const what = () => `${JSON.stringify(situation)} meets ${JSON.stringify(observation)}`;
    if (!step.accepted) {
      if (JSON.stringify(after) !== JSON.stringify(before)) illegal.push(`${what()}: refused, and yet it changed`);
      continue;
    }
    if (before.status !== after.status) {
      const cause = after.status === 'stopping' ? causeOfIntent[after.stopIntent as StopIntent] : after.reasonCode;
      if (!causesOf(before.status, after.status).includes(cause as Cause))
        illegal.push(`${what()}: ${before.status} > ${after.status}: ${cause}`);
      seenOfDeployments.add(`${before.status} > ${after.status}: ${cause}`);
    }
    if ((step.became ?? before.status) !== after.status) illegal.push(`${what()}: told ${step.became}`);
    before.replicas.forEach((replica, index) => {
      const now = after.replicas[index]!;
      if (replica.status === now.status) return;
      const cause = now.status === 'running' ? 'started' : now.reasonCode;
      const legal: Readonly<Partial<Record<ReplicaStatus, readonly string[]>>> = replicaTransitions[replica.status];
      if (index !== observation.replica || legal[now.status]?.includes(cause ?? '') !== true)
        illegal.push(`${what()}: replica ${index} ${replica.status} > ${now.status}: ${cause}`);
      seenOfReplicas.add(`${replica.status} > ${now.status}: ${cause}`);
    });
    const isOver = after.replicas.every((one) => one.status === 'ended');
    if (isOver === isActive(after.status))
      illegal.push(`${what()}: ${after.status} with ${isOver ? 'no' : 'a'} replica left`);
  }

describe('whatever is seen, in whatever situation', () => {
  test('changes only what the tables allow, and nothing where it does not count', () => {
    expect(illegal).toEqual([]);
  });

  test('every transition of a deployment that an observation can cause, is caused by one', () => {
    const expected = activeStatuses.flatMap((from) =>
      statuses.flatMap((to) =>
        causesOf(from, to)
          // What people and the control plane tell to stop is another test's (transitions.test.ts).
          .filter((cause) => to !== 'stopping' || cause === 'replica_failed')
          .map((cause) => `${from} > ${to}: ${cause}`),
      ),
    );
    expect([...seenOfDeployments].toSorted()).toEqual(expected.toSorted());
  });

  test('every transition of a replica is caused by one, but for those that are a matter of time, or of an update', () => {
    const others = [
      'restarting > starting: restarting',
      'restarting > starting: updated',
      'running > replacing: updated',
      'running > removing: scaled_down',
      'restarting > removing: scaled_down',
      'ended > starting: scaled_up',
    ];
    const expected = replicaStatuses.flatMap((from) =>
      Object.entries(replicaTransitions[from] as Partial<Record<ReplicaStatus, readonly string[]>>).flatMap(
        ([to, causes]) => causes.map((cause) => `${from} > ${to}: ${cause}`),
      ),
    );
    expect([...seenOfReplicas, ...others].toSorted()).toEqual(expected.toSorted());
  });

  test('a reason of a restart or a retry reads as a sentence', () => {
    expect(reasonText('restarting', { why: 'exited with 3', seconds: 4 })).toBe(
      'exited with 3; it is started again in 4 s',
    );
    expect(reasonText('retrying', { attempt: 1, why: 'exited with 3', left: 2 })).toBe(
      'attempt 1 failed (exited with 3); queued again, retries left: 2',
    );
  });
});
