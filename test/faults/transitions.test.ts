/**
 * `kill -9` of the control plane in each transition of a deployment: while the transition's transaction is open, which then must
 * count for nothing, and directly after its commit, when nothing that follows from it has been done yet. Containers are real.
 */

import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Client,
  type Cluster,
  type Deployment,
  type DeploymentInput,
  newOwner,
  until,
} from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { holdRows, type RowLocks } from '../support/row-locks.ts';
import { type SpawnedService, spawnTestService } from '../support/service.ts';

const engine = requireEngine();

/** Ends with `code` when it is sent USR1, and never before: also not when it is told to. */
const obeys = (code: number) => ['sh', '-c', `trap '' TERM; trap 'exit ${code}' USR1; while :; do sleep 0.1; done`];

interface Case {
  readonly name: string;
  readonly input?: DeploymentInput;
  /** Its row is locked in this status, so that the transition can't be written down. */
  readonly lockedAs: Deployment['status'];
  /** What a person does before, to get it into that status. */
  readonly before?: (client: Client, id: string) => Promise<unknown>;
  /** What makes the transition: a request, or else its containers are told to end. */
  readonly request?: 'cancel' | 'stop';
  /** Its time is running: it is brought there last and locked first, and another one where that was too late. */
  readonly runsOut?: boolean;
  /** Its containers go on when the transition has been made: they are told to end then. */
  readonly goesOn?: boolean;
  readonly end: { readonly status: Deployment['status']; readonly attempt: number; readonly reason_code?: string };
}

/** They get where they are to be locked, and stay there. */
const cases: readonly Case[] = [
  { name: 'succeeded', lockedAs: 'running', end: { status: 'succeeded', attempt: 1 } },
  {
    name: 'failed',
    input: { command: obeys(3) },
    lockedAs: 'running',
    end: { status: 'failed', attempt: 1, reason_code: 'exit_nonzero' },
  },
  {
    name: 'retried by its policy',
    input: { command: ['sh', '-c', `[ $HYPERVISOR_ATTEMPT = 2 ] && exit 0; ${obeys(3)[2]}`], retry: { limit: 1 } },
    lockedAs: 'running',
    end: { status: 'succeeded', attempt: 2 },
  },
  { name: 'stopped', lockedAs: 'running', request: 'stop', goesOn: true, end: { status: 'cancelled', attempt: 1 } },
  {
    name: 'a gang that loses one',
    input: {
      replicas: 2,
      command: ['sh', '-c', `[ $HYPERVISOR_REPLICA = 1 ] || exec sleep 600; ${obeys(3)[2]}`],
      stop_grace_s: 0,
    },
    lockedAs: 'running',
    end: { status: 'failed', attempt: 1, reason_code: 'exit_nonzero' },
  },
  {
    name: 'ended after a stop',
    lockedAs: 'stopping',
    before: (client, id) => client.stop(id),
    end: { status: 'cancelled', attempt: 1 },
  },
  {
    name: 'ended after its time limit',
    input: { time_limit_s: 1 },
    lockedAs: 'stopping',
    end: { status: 'failed', attempt: 1, reason_code: 'time_limit' },
  },
  {
    name: 'past its time limit',
    input: { time_limit_s: 12 },
    lockedAs: 'running',
    runsOut: true,
    goesOn: true,
    end: { status: 'failed', attempt: 1, reason_code: 'time_limit' },
  },
];

/** It is locked on its way. */
const startedCase: Case = {
  name: 'started',
  lockedAs: 'starting',
  goesOn: true,
  end: { status: 'succeeded', attempt: 1 },
};

/** Of a cluster of their own, whose pass waits for the first of them. */
const queuedCases: readonly Case[] = [
  { name: 'admitted', lockedAs: 'queued', goesOn: true, end: { status: 'succeeded', attempt: 1 } },
  // Where its cancellation is lost it may run before it is cancelled again.
  { name: 'cancelled', lockedAs: 'queued', request: 'cancel', goesOn: true, end: { status: 'cancelled', attempt: 1 } },
];

let service: SpawnedService;
let client: Client;
let record: Awaited<ReturnType<typeof engine.record>>;
beforeAll(async () => {
  service = await spawnTestService();
  client = await newOwner(service.url);
  record = await engine.record();
});
afterAll(async () => {
  record?.stop();
  await service?.stop();
});

interface Held extends Case {
  readonly id: string;
}

test('killed before the commit of any transition, it is made after the restart, once', async () => {
  const { held, locks } = await holdAll();
  const lost = await provokeAll(held, locks);
  await service.kill();
  await locks.release();
  // Nobody was told that their request was granted, and it was not.
  for (const request of lost) await expect(request.answer).rejects.toThrow();
  expect(await statuses(held)).toEqual(held.map(({ lockedAs }) => lockedAs));
  await service.restart();
  for (const { id, name } of lost) await client.call('POST', `/deployments/${id}/${name}`);
  await expectEnds(held);
});

test('killed directly after the commit of any transition, what follows from it is found again', async () => {
  const { held, locks } = await holdAll();
  const requests = await provokeAll(held, locks);
  await locks.release();
  await until(
    'all have been written down',
    async () => (await statuses(held)).every((status, i) => status !== held[i]!.lockedAs),
    { everyMs: 1 },
  );
  await service.kill();
  await Promise.allSettled(requests.map(({ answer }) => answer));
  await service.restart();
  await expectEnds(held);
});

/**
 * One deployment of each case, in the status from which its transition starts, with its row locked. All are there before the first lock:
 * what is seen of one that is locked keeps what is seen of others waiting.
 */
async function holdAll(): Promise<{ held: Held[]; locks: RowLocks }> {
  const locks = await holdRows(service.databaseUrl);
  const cluster = await makeCluster(cases.length + 2);
  const closed = await makeCluster(queuedCases.length);
  await client.setSchedulable(closed.id, false);
  const held: Held[] = [];
  for (const one of queuedCases) held.push({ ...one, id: (await submit(closed, one)).id });
  const patient = cases.filter(({ runsOut = false }) => !runsOut);
  held.push(...(await Promise.all(patient.map(async (one) => ({ ...one, id: await bring(cluster, one) })))));
  const urgent: Held[] = [];
  for (const one of cases) if (one.runsOut) urgent.push({ ...one, id: await holdOne(locks, cluster, one) });
  for (const { id, lockedAs, name } of held) {
    if (!(await locks.take(id, lockedAs))) throw new Error(`${name} did not stay ${lockedAs}`);
  }
  held.push(...urgent, { ...startedCase, id: await holdOne(locks, cluster, startedCase) });
  await client.setSchedulable(closed.id, true);
  return { held, locks };
}

/** To the status in which it is to be locked. */
async function bring(cluster: Cluster, one: Case): Promise<string> {
  const { id } = await submit(cluster, one);
  if (one.before !== undefined) {
    await client.became(id, 'running');
    await one.before(client, id);
  }
  await client.became(id, one.lockedAs);
  return id;
}

function makeCluster(slots: number): Promise<Cluster> {
  return client.createCluster({ runtime: 'docker', ram: 0.032 * slots, cpu: 0.1 * slots, gpu: 0 });
}

/** One that was quicker than the lock is stopped, and another one tried. */
async function holdOne(locks: RowLocks, cluster: Cluster, one: Case): Promise<string> {
  for (;;) {
    const { id } = await submit(cluster, one);
    if (await locks.take(id, one.lockedAs)) return id;
    await client.call('DELETE', `/deployments/${id}`);
    await signalAll(id);
  }
}

function submit(cluster: Cluster, { input, name }: Case): Promise<Deployment> {
  return client.submit(cluster.id, {
    kind: 'job',
    name: name.replaceAll(' ', '-'),
    docker_image: engine.image,
    command: obeys(0),
    ram_required: 0.032,
    cpu_required: 0.1,
    pull_policy: 'never',
    stop_grace_s: 600,
    ...input,
  });
}

interface PendingRequest {
  readonly id: string;
  readonly name: 'cancel' | 'stop';
  readonly answer: Promise<unknown>;
}

/** Gives each transition its cause, and waits until none of them can be written down for the locks. */
async function provokeAll(held: readonly Held[], locks: RowLocks): Promise<PendingRequest[]> {
  const requests: PendingRequest[] = [];
  for (const { id, request, goesOn = false } of held) {
    if (request !== undefined) {
      const answer = client.call('POST', `/deployments/${id}/${request}`);
      answer.catch(() => undefined);
      requests.push({ id, name: request, answer });
    } else if (!goesOn) {
      await signalAll(id);
    }
  }
  // The pass, the observations, the time limit, and each of the requests.
  await locks.awaited(3 + requests.length);
  return requests;
}

async function expectEnds(held: readonly Held[]): Promise<void> {
  for (const { id, goesOn = false, end } of held) {
    if (goesOn) await signalUntilEnded(id);
    expect(await client.became(id, end.status), id).toMatchObject(end);
  }
  const ids = held.map(({ id }) => id);
  await until('no container is left', async () => (await engine.containersOf(ids)).length === 0);
  await service.eventsTold();
  for (const { id, name, input, end } of held) {
    const types = (await client.eventsOf(id)).map((event) => event.type);
    const ends = types.filter((type) => /^deployment\.(succeeded|failed|cancelled)$/.test(type));
    expect(ends, `${name}: ${types.join(' ')}`).toHaveLength(1);
    const starts = record.events.filter((event) => event.action === 'start' && event.deploymentId === id);
    const wanted = end.attempt * (input?.replicas ?? 1);
    if (name === 'cancelled') expect(starts.length).toBeLessThanOrEqual(1);
    else expect(starts, name).toHaveLength(wanted);
  }
  expect(await service.sql('select 1 from allocation')).toEqual([]);
  const counters = 'select 1 from node where (ram_allocated, cpu_allocated, gpu_allocated) <> (0, 0, 0)';
  expect(await service.sql(counters)).toEqual([]);
}

/** What was started just now may not listen yet. */
async function signalUntilEnded(id: string): Promise<void> {
  await until(`the containers of ${id} have ended`, async () => {
    const { status } = await client.deployment(id);
    if (/^(succeeded|failed|cancelled)$/.test(status)) return true;
    await signalAll(id);
    return false;
  });
}

async function signalAll(id: string): Promise<void> {
  for (const container of await engine.containersOf([id])) {
    // It may have ended by itself, or not listen.
    await engine.docker
      .getContainer(container.id)
      .kill({ signal: 'USR1' })
      .catch(() => undefined);
  }
}

async function statuses(held: readonly Held[]): Promise<Deployment['status'][]> {
  const rows = await service.sql<pg.QueryResultRow & { id: string; status: Deployment['status'] }>(
    'select id, status from deployment where id = any($1)',
    [held.map(({ id }) => id)],
  );
  const byId = new Map(rows.map((row) => [row.id, row.status]));
  return held.map(({ id }) => byId.get(id) ?? 'cancelled');
}
