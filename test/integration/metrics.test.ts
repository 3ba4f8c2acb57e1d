import { afterAll, beforeAll, expect, test } from 'vitest';
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
});
