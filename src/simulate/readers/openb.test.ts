import { expect, test } from 'vitest';
import type { Trace } from '../trace.ts';
import type { ReadOptions } from './read-trace.ts';
import { temporaryFiles } from './testing.ts';

const { write, read, errorOf } = temporaryFiles();

const nodes = 'sn,cpu_milli,memory_mib,gpu,model\nn1,64000,262144,2,P100\nn2,32000,1000,0,\n';
const pods =
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n';

async function readPods(rows: string, more: Partial<ReadOptions> = {}): Promise<Trace> {
  return read('pods.csv', rows, { nodes: await write('nodes.csv', nodes), ...more });
}

test('memory of pods is rounded up, of nodes down', async () => {
  const trace = await readPods(`${pods}p,1000,1000,0,0,,LS,Running,0,10,0\n`);
  expect(trace.nodes.map(({ total }) => total.ram)).toEqual([256_000, 976]);
  expect(trace.deployments[0]?.request.perReplica.ram).toBe(977);
});

test('times, models, shares and whole devices', async () => {
  const rows = 'a,6000,1024,1,460,V100M16|V100M32,LS,Running,100,160,103\nb,1,1,2,1000,,BE,Failed,50,60,50\n';
  const { deployments } = await readPods(pods + rows);
  expect(deployments).toMatchObject([
    { id: 'b', submittedAt: 50_000, runTime: 10_000, ends: 'failed', request: { perReplica: { gpu: 2000 } } },
    {
      id: 'a',
      submittedAt: 100_000,
      runTime: 57_000,
      recordedWait: 3000,
      ends: 'succeeded',
      marks: { qos: 'LS' },
      request: { perReplica: { cpu: 6000, ram: 1000, gpu: 460 }, gpuModels: ['V100M16', 'V100M32'] },
    },
  ]);
});

test('without times all come at once, with run times that follow from the seed, or as said', async () => {
  const rows = `name,cpu_milli,memory_mib,num_gpu,gpu_milli\n${'p,1,1,0,0\n'.repeat(50)}`;
  const runs = async (more: Partial<ReadOptions>) =>
    (await readPods(rows, more)).deployments.map(({ runTime }) => runTime ?? 0);
  const drawn = await runs({ seed: 7 });
  expect(await runs({ seed: 7 })).toEqual(drawn);
  expect(await runs({ seed: 8 })).not.toEqual(drawn);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(60_000);
  expect(Math.max(...drawn)).toBeLessThanOrEqual(86_400_000);
  expect(new Set(await runs({ runTime: 5000 }))).toEqual(new Set([5000]));
});

test('what is wrong is told with line and column', async () => {
  const rows = `${pods}a,x,1,0,0,,LS,Running,0,1,0\nb,1,1,1,1200,,LS,Running,0,1,0\nc,1,1,1,500,,LS,Running,9,4,9\n`;
  expect(await errorOf(readPods(rows))).toBe(
    [
      "pods.csv can't be read as a trace",
      'pods.csv, line 2: cpu_milli is "x"; it must be a whole number, 0 or more',
      'pods.csv, line 3: gpu_milli is 1200; it is of one device, at most 1000',
      'pods.csv, line 4: deletion_time is 4, before the pod was started',
    ].join('\n'),
  );
  expect(await errorOf(readPods('name,cpu_milli\na,1\n'))).toBe(
    'pods.csv is not such a list: column memory_mib, num_gpu, gpu_milli missing',
  );
});

test('without a list of nodes, those beside it are named', async () => {
  await write('nodes.csv', nodes);
  expect(await errorOf(read('pods.csv', `${pods}a,1,1,0,0,,LS,Running,0,1,0\n`))).toMatch(
    /There is: --nodes nodes\.csv/,
  );
});
