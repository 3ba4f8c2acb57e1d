import { expect, test } from 'vitest';
import { temporaryFiles } from './testing.ts';

const { read, errorOf } = temporaryFiles();

const header = JSON.stringify({
  hvtrace: 1,
  cluster: {
    name: 'local',
    nodes: [{ name: 'n1', ram: 8, cpu: 4, gpus: [{ model: 'a100', memory_gb: 40 }], labels: { zone: 'a' } }],
  },
});
const line = (more: Record<string, unknown>) =>
  JSON.stringify({
    id: 'x',
    status: 'succeeded',
    submitted_at: '2026-01-01T00:00:00.000Z',
    started_at: '2026-01-01T00:00:30.000Z',
    finished_at: '2026-01-01T00:02:30.000Z',
    ram_required: 1.5,
    cpu_required: 0.25,
    ...more,
  });

test('nodes and deployments as the API writes them', async () => {
  const trace = await read(
    'a.hvtrace.jsonl',
    `${header}\n${line({ gpu_required: 1, gpu_memory_required: 20, user: 'ada', time_limit_s: 600 })}\n`,
  );
  expect(trace.nodes).toMatchObject([
    {
      total: { ram: 8000, cpu: 4000, gpu: 1000 },
      devices: [{ index: 0, model: 'a100', memory: 40_000 }],
      labels: { zone: 'a' },
    },
  ]);
  expect(trace.deployments).toMatchObject([
    {
      runTime: 120_000,
      recordedWait: 30_000,
      timeLimit: 600_000,
      user: 'ada',
      request: { perReplica: { ram: 1500, cpu: 250, gpu: 1000 }, gpuMemory: 20_000 },
    },
  ]);
});

test('what never started was given up; what has not ended runs on', async () => {
  const lines = [line({ started_at: null, status: 'cancelled' }), line({ finished_at: null, status: 'running' })];
  const { deployments, notes } = await read('a.hvtrace.jsonl', [header, ...lines].join('\n'));
  expect(deployments).toMatchObject([
    { cancelledAt: Date.UTC(2026, 0, 1, 0, 2, 30), runTime: null },
    { cancelledAt: null, runTime: null },
  ]);
  expect(notes).toHaveLength(1);
});

test('what is wrong is told with line and field', async () => {
  const lines = [line({ priority: 0 }), '{', line({ submitted_at: 'yesterday' })];
  expect(await errorOf(read('a.hvtrace.jsonl', [header, ...lines].join('\n')))).toBe(
    [
      "a.hvtrace.jsonl can't be read as a trace",
      'a.hvtrace.jsonl, line 2: priority must be a whole number from 1 to 100',
      'a.hvtrace.jsonl, line 3: is not JSON; each line must be one JSON document',
      'a.hvtrace.jsonl, line 4: submitted_at must be a time like 2026-01-31T09:30:00Z',
    ].join('\n'),
  );
  expect(await errorOf(read('v2.hvtrace.jsonl', '{"hvtrace":2}'))).toMatch(
    /line 1: hvtrace must be 1, the one version/,
  );
});
