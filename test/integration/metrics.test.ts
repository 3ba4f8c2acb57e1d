import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createControlMetrics } from '../../src/control/metrics.ts';
import { openDatabase } from '../../src/store/database.ts';
import { newOwner } from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;

beforeAll(async () => {
  service = await startTestService();
});

afterAll(() => service.stop());

test('the metrics tell an operator how long the queue is, and what passes did', async () => {
  const client = await newOwner(service.url);
  const cluster = await client.createCluster({ ram: 1, cpu: 1 });
  const runs = await client.submit(cluster.id, { ram_required: 1, cpu_required: 1 });
  await client.became(runs.id, 'running');
  await client.submit(cluster.id, { ram_required: 1, cpu_required: 1 });
  expect((await client.ask('GET', '/metrics')).status).toBe(403);

  await service.sql('update "user" set operator = true', []);
  // The one who asks is known for up to a second.
  let text = '';
  while (!text.includes('hypervisor_deployments')) {
    text = await (await client.fetch('/api/v1/metrics', {})).text();
  }
  expect(text).toContain('hypervisor_deployments{status="queued"} 1');
  expect(text).toContain('hypervisor_deployments{status="running"} 1');
  expect(text).toMatch(/hypervisor_admitted_total 1\n/);
  expect(text).toMatch(/hypervisor_pass_duration_seconds_count [1-9]/);
  expect(text).toContain('hypervisor_tasks_total{kind="start",result="done"} 1');
  expect(text).toContain('hypervisor_runtime_reachable{runtime="simulated"} 1');
  expect(text).toContain('hypervisor_http_request_duration_seconds_count');
  expect(text).toMatch(/hypervisor_start_duration_seconds_count 1\n/);
  expect(text).toContain('hypervisor_wait_duration_seconds_count{band="26-50"} 1');
  expect(text).toContain('hypervisor_task_duration_seconds_count{kind="start",result="done"} 1');
  expect(text).toContain('hypervisor_engine_call_duration_seconds_count{runtime="simulated",call="start"} 1');
  expect(text).toMatch(/hypervisor_pass_gap_deployments_bucket\{le="0"\} [1-9]/);
  expect(text).toContain('hypervisor_leases{kind="upkeep"} 1');
  expect(text).toContain('hypervisor_leases{kind="cluster"} 1');
  expect(text).toContain('hypervisor_processes{role="all"} 1');
  expect(text).toContain('hypervisor_database_up 1');
  expect(text).toMatch(/hypervisor_database_connections\{state="in_use"\} \d/);
});

test('who waits is counted by the priority that age has earned, and the oldest tells its age', async () => {
  const client = await newOwner(service.url);
  const cluster = await client.createCluster({ ram: 1, cpu: 1, policy: { aging_interval_s: 3600 } });
  const runs = await client.submit(cluster.id, { ram_required: 1, cpu_required: 1 });
  await client.became(runs.id, 'running');
  const old = await client.submit(cluster.id, { ram_required: 1, cpu_required: 1, priority: 90 });
  const held = { depends_on: [{ deployment: runs.id, condition: 'succeeded' as const }] };
  await client.submit(cluster.id, { ram_required: 1, cpu_required: 1, priority: 90, kind: 'job', ...held });
  const before = await waitingByBand();

  // One better for each hour: 90 becomes 70.
  await service.sql("update deployment set queued_at = now() - interval '20.5 hours' where id = $1", [old.id]);
  const after = await waitingByBand();
  expect(after.bands['76-100']).toBe((before.bands['76-100'] ?? 0) - 1);
  expect(after.bands['51-75']).toBe((before.bands['51-75'] ?? 0) + 1);
  expect(after.oldest).toBeGreaterThanOrEqual(20.5 * 3600);
});

async function waitingByBand() {
  const db = openDatabase(service.databaseUrl, { max: 1 });
  const registry = new Registry();
  const { queue } = createControlMetrics(registry, db);
  expect(await registry.metrics()).not.toContain('hypervisor_queue_deployments{');
  queue.tell(true);
  const text = await registry.metrics();
  await db.destroy();
  const found = text.matchAll(/hypervisor_queue_deployments\{runtime="simulated",band="([\d-]+)"\} (\d+)/g);
  const oldest = /hypervisor_queue_oldest_wait_seconds\{runtime="simulated"\} (\S+)/.exec(text)?.[1];
  return {
    bands: Object.fromEntries([...found].map(([, band, count]) => [band, Number(count)])),
    oldest: Number(oldest),
  };
}

test('without its database, a process still tells of itself, and that it is without', async () => {
  const db = openDatabase('postgres://nobody@127.0.0.1:1/none');
  const registry = new Registry();
  const { queue, passes } = createControlMetrics(registry, db);
  queue.tell(true);
  passes.failed();
  const text = await registry.metrics();
  await db.destroy();
  expect(text).toContain('hypervisor_database_up 0');
  expect(text).toContain('hypervisor_pass_failures_total 1');
  expect(text).not.toContain('hypervisor_deployments{');
});
