/**
 * Every verb from every status, through the API and on a real database: what the table of lifecycle.ts does not allow is a 409 that
 * changes nothing. What observations do is walked in src/core/lifecycle.walk.test.ts.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { causesOf, type DeploymentStatus, isActive, isFinal, statuses } from '../../src/core/lifecycle.ts';
import { commitPlan } from '../../src/store/commit-plan.ts';
import { stopOverdue } from '../../src/store/transitions.ts';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { fakeControl } from '../support/fake-control.ts';

let api: TestApi;
let owner: TestUser;
let organizationId: string;
let clusterId: string;
let nodeId: string;

beforeAll(async () => {
  api = await startTestApi({ control: fakeControl() });
  const organization = await api.organization();
  owner = organization.owner;
  organizationId = organization.id;
  const body = { name: 'walk', runtime: 'simulated', ram: 1000, cpu: 1000, gpu: 0 };
  const { body: cluster } = await api.ask('POST', '/clusters', { as: owner, body });
  clusterId = String(cluster['id']);
  const node = await api.db
    .selectFrom('node')
    .select('id')
    .where('cluster_id', '=', clusterId)
    .executeTakeFirstOrThrow();
  nodeId = node.id;
});
afterAll(() => api.close());

/** A deployment in this status, with what belongs to it: a replica and an allocation while it is active. */
async function deploymentIn(status: DeploymentStatus, kind: 'job' | 'service' = 'job'): Promise<string> {
  const body = {
    cluster_id: clusterId,
    docker_image: 'simulated/job',
    kind,
    ram_required: 1,
    cpu_required: 1,
    time_limit_s: 60,
  };
  const { body: made } = await api.ask('POST', '/deployments', { as: owner, body });
  const id = String(made['id']);
  if (status !== 'queued') {
    await api.db
      .insertInto('replica')
      .values({
        deployment_id: id,
        attempt: 1,
        index: 0,
        node_id: nodeId,
        node_name: 'node-1',
        status: isFinal(status) ? 'ended' : status === 'starting' ? 'starting' : 'running',
      })
      .execute();
  }
  if (isActive(status)) {
    await api.db
      .insertInto('allocation')
      .values({
        deployment_id: id,
        replica: 0,
        attempt: 1,
        cluster_id: clusterId,
        node_id: nodeId,
        ram: 1000,
        cpu: 1000,
        gpu: 0,
      })
      .execute();
  }
  await api.db
    .updateTable('deployment')
    .set({
      status,
      stop_intent: status === 'stopping' ? 'stop' : null,
      started_at: status === 'queued' || status === 'starting' ? null : new Date(),
      finished_at: isFinal(status) ? new Date() : null,
    })
    .where('id', '=', id)
    .execute();
  return id;
}

/** Everything that is written about a deployment. */
async function allAbout(id: string) {
  const of = <T extends 'replica' | 'allocation' | 'event' | 'claim'>(table: T) =>
    api.db
      .selectFrom(table as 'replica')
      .selectAll()
      .where('deployment_id', '=', id)
      .execute();
  return {
    deployment: await api.db.selectFrom('deployment').selectAll().where('id', '=', id).execute(),
    replicas: await of('replica'),
    allocations: await of('allocation'),
    events: await of('event'),
    claims: await of('claim'),
  };
}

/** Where a verb leads from a status by the table; null where it is illegal. */
const legal: Readonly<Record<string, (from: DeploymentStatus) => DeploymentStatus | null>> = {
  stop: (from) => (causesOf(from, 'stopping').includes('stopped') ? 'stopping' : null),
  cancel: (from) => {
    if (causesOf(from, 'stopping').includes('cancelled')) return 'stopping';
    return !isActive(from) && causesOf(from, 'cancelled').includes('cancelled') ? 'cancelled' : null;
  },
  retry: (from) => (causesOf(from, 'queued').includes('retried') ? 'queued' : null),
};

describe.each(['job', 'service'] as const)('a %s', (kind) => {
  for (const from of statuses) {
    for (const [verb, leadsTo] of Object.entries(legal)) {
      const to = leadsTo(from);
      test(`that is ${from}: ${verb} ${to === null ? 'is refused, and changes nothing' : `makes it ${to}`}`, async () => {
        const id = await deploymentIn(from, kind);
        const before = await allAbout(id);
        const answer = await api.ask('POST', `/deployments/${id}/${verb}`, { as: owner });
        if (to === null) {
          expect(answer).toMatchObject({ status: 409, body: { code: 'illegal_transition' } });
          expect(String(answer.body['detail'])).toContain(`a deployment that is ${from}`);
          expect(await allAbout(id)).toEqual(before);
        } else {
          expect(answer).toMatchObject({ status: 200, body: { status: to } });
          const after = await allAbout(id);
          expect(after.events).toHaveLength(before.events.length + 1);
          expect(after.allocations).toEqual(before.allocations);
        }
      });
    }

    test(`that is ${from}: its priority ${from === 'queued' ? 'can be' : 'cannot be'} changed`, async () => {
      const id = await deploymentIn(from, kind);
      const before = await allAbout(id);
      const answer = await api.ask('PATCH', `/deployments/${id}`, { as: owner, body: { priority: 7 } });
      expect(answer.status).toBe(from === 'queued' ? 200 : 409);
      if (from !== 'queued') expect(await allAbout(id)).toEqual(before);
    });

    test(`that is ${from}: delete ${isActive(from) ? 'stops it first' : 'takes it away'}`, async () => {
      const id = await deploymentIn(from, kind);
      const answer = await api.ask('DELETE', `/deployments/${id}`, { as: owner });
      expect(answer.status).toBe(isActive(from) ? 202 : 204);
      const { deployment } = await allAbout(id);
      expect(deployment.map(({ status, delete_when_ended: goes }) => [status, goes])).toEqual(
        isActive(from) ? [['stopping', true]] : [],
      );
    });

    test(`that is ${from}: a pass ${from === 'queued' ? 'may admit it' : 'that still means to admit it changes nothing'}`, async () => {
      const id = await deploymentIn(from, kind);
      const before = await allAbout(id);
      const standing = { position: 1, priority: 50, effectivePriority: 50, promoted: false, outOfTurn: false };
      const placements = [{ replica: 0, nodeId, resources: { ram: 1000, cpu: 1000, gpu: 0 }, devices: [] }];
      const place = { kind: 'place' as const, deploymentId: id, placements, backfilled: false, ...standing };
      const admitted = await api.db
        .transaction()
        .execute((tx) => commitPlan(tx, { organizationId, clusterId }, [place], () => 'node-1', randomUUID()));
      expect(admitted).toMatchObject(causesOf(from, 'starting').includes('admitted') ? [{ id, attempt: 1 }] : []);
      if (admitted.length === 0) expect(await allAbout(id)).toEqual(before);
    });

    test(`that is ${from}: the time limit ${from === 'running' ? 'stops it' : 'changes nothing'}`, async () => {
      const id = await deploymentIn(from, kind);
      await api.db.updateTable('deployment').set({ time_limit_s: 1 }).where('id', '=', id).execute();
      const longAgo = new Date(Date.now() - 3_600_000);
      await api.db
        .updateTable('deployment')
        .set({ started_at: longAgo })
        .where('id', '=', id)
        .where('started_at', 'is not', null)
        .execute();
      const before = await allAbout(id);
      const stopped = (await stopOverdue(api.db)).map((one) => one.id);
      expect(stopped.includes(id)).toBe(from === 'running');
      if (from !== 'running') expect(await allAbout(id)).toEqual(before);
    });
  }
});

describe('a stop that is not the last word', () => {
  test.each(['preempted', 'replica_failed', 'time_limit'] as const)(
    'of one that is stopped by %s and would be queued again, a person ends it for good',
    async (intent) => {
      const id = await deploymentIn('stopping');
      await api.db
        .updateTable('deployment')
        .set({
          stop_intent: intent,
          retry: JSON.stringify({ limit: 1, on: ['exit_nonzero', 'time_limit'], exit_codes: [] }),
        })
        .where('id', '=', id)
        .execute();
      const { status, body } = await api.ask('POST', `/deployments/${id}/cancel`, { as: owner });
      expect({ status, is: body['status'] }).toEqual({ status: 200, is: 'stopping' });
      const { deployment } = await allAbout(id);
      expect(deployment[0]).toMatchObject({ stop_intent: 'cancel' });
    },
  );

  test.each(['replica_failed', 'time_limit'] as const)(
    'of one that fails by %s whatever is asked, a person is told to wait',
    async (intent) => {
      const id = await deploymentIn('stopping');
      await api.db.updateTable('deployment').set({ stop_intent: intent }).where('id', '=', id).execute();
      expect(await api.ask('POST', `/deployments/${id}/cancel`, { as: owner })).toMatchObject({ status: 409 });
    },
  );
});
