/** The history of a cluster leaves by the API and comes back as a trace. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrace } from '../../src/simulate/readers/read-trace.ts';
import type { Trace } from '../../src/simulate/trace.ts';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';

let test: TestApi;
let organization: { id: string; owner: TestUser };
let folder: string;
let clusterId: string;

beforeAll(async () => {
  test = await startTestApi();
  organization = await test.organization();
  folder = await mkdtemp(join(tmpdir(), 'hypervisor-export-'));
  const nodes = [
    { name: 'a', ram: 8, cpu: 4, gpus: [{ model: 'a100', memory_gb: 40 }], labels: { zone: 'a' } },
    { name: 'b', ram: 16, cpu: 8 },
  ];
  const { body } = await test.ask('POST', '/clusters', {
    as: organization.owner,
    body: { name: 'shared', runtime: 'simulated', nodes },
  });
  clusterId = String(body['id']);
});
afterAll(async () => {
  await test.close();
  await rm(folder, { recursive: true, force: true });
});

async function submit(more: object = {}): Promise<string> {
  const { body } = await test.ask('POST', '/deployments', {
    as: organization.owner,
    body: { cluster_id: clusterId, docker_image: 'busybox', ram_required: 2, cpu_required: 1, ...more },
  });
  return String(body['id']);
}

function fetched(as: TestUser, query = '', id = clusterId) {
  const headers = { authorization: `Bearer ${as.token}` };
  return test.api.inject({ method: 'GET', url: `/api/v1/clusters/${id}/trace${query}`, headers });
}

async function exported(query = ''): Promise<Trace> {
  const { statusCode, headers, body } = await fetched(organization.owner, query);
  expect(statusCode).toBe(200);
  expect(headers['content-type']).toContain('application/x-ndjson');
  const path = join(folder, 'history.hvtrace.jsonl');
  await writeFile(path, body);
  return readTrace(path, { format: null, nodes: null, processors: null, runTime: null, seed: 1 });
}

describe('the trace of a cluster', () => {
  it('is what happened there, as the simulator reads it', async () => {
    const id = await submit({ gpu_required: 1, gpu_memory_required: 20, priority: 7, time_limit_s: 600 });
    await sql`update deployment set status = 'succeeded', queued_at = '2026-01-01T00:00:00Z', started_at = '2026-01-01T00:01:00Z',
                     finished_at = '2026-01-01T00:03:00Z' where id = ${id}`.execute(test.db);
    const trace = await exported();
    expect(trace.nodes).toMatchObject([
      { name: 'a', total: { ram: 8000, cpu: 4000, gpu: 1000 }, devices: [{ memory: 40_000 }], labels: { zone: 'a' } },
      { name: 'b', total: { ram: 16_000, cpu: 8000, gpu: 0 } },
    ]);
    expect(trace.deployments).toMatchObject([
      {
        id,
        submittedAt: Date.UTC(2026, 0, 1),
        runTime: 120_000,
        recordedWait: 60_000,
        priority: 7,
        timeLimit: 600_000,
        user: organization.owner.username,
        request: { perReplica: { ram: 2000, cpu: 1000, gpu: 1000 }, gpuMemory: 20_000 },
      },
    ]);
  });

  it('leaves out what was submitted before --since', async () => {
    const future = new Date(Date.now() + 3_600_000).toISOString();
    expect((await exported(`?since=${future}`)).deployments).toEqual([]);
    const { statusCode, body } = await fetched(organization.owner, '?since=yesterday');
    expect([statusCode, body]).toEqual([400, expect.stringContaining('since')]);
  });

  it('holds everything exactly once, also where it takes several pages', async () => {
    const id = await submit();
    // Copies of one moment: a page that ended inside it would repeat or skip some if it went by time alone.
    await sql`
      insert into deployment (id, organization_id, cluster_id, name, kind, docker_image, ram_required, cpu_required, gpu_required,
                              priority, created_at, queued_at, changed_at)
      select gen_random_uuid(), organization_id, cluster_id, name, kind, docker_image, ram_required, cpu_required, gpu_required,
             priority, created_at, queued_at, changed_at
        from deployment, generate_series(1, 4500) where id = ${id}`.execute(test.db);
    const { deployments } = await exported();
    expect(deployments).toHaveLength(4502);
    expect(new Set(deployments.map((one) => one.id)).size).toBe(4502);
  });

  it('is for viewers of its organization, and unknown to everybody else', async () => {
    expect((await fetched(await test.member(organization, 'viewer'))).statusCode).toBe(200);
    expect((await fetched((await test.organization()).owner)).statusCode).toBe(404);
    expect((await fetched(organization.owner, '', 'nothing')).statusCode).toBe(404);
  });
});
