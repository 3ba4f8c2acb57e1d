import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readTrace } from './read-trace.ts';
import { defaults, temporaryFiles } from './testing.ts';

const { path, read, errorOf } = temporaryFiles();

const header = '; Version: 2.2\n; UnixStartTime: 1000\n; MaxProcs: 100\n';
const line = (id: number, more: Partial<Record<number, number>> = {}) =>
  Array.from(
    { length: 18 },
    (_, i) => ({ 0: id, 1: 5, 2: 7, 3: 60, 4: 4, 7: 8, 8: 90, 10: 1, 11: 3, ...more })[i] ?? -1,
  ).join(' ');

test('the machine is a node, the requested time a limit, the wait what it was', async () => {
  const trace = await read('a.swf', `${header}${line(1)}\n`);
  expect(trace.nodes).toMatchObject([{ total: { ram: 0, cpu: 100_000, gpu: 0 } }]);
  expect(trace.deployments).toMatchObject([
    {
      id: '1',
      submittedAt: 1_005_000,
      runTime: 60_000,
      timeLimit: 90_000,
      recordedWait: 7000,
      user: 'user-3',
      request: { perReplica: { ram: 0, cpu: 8000, gpu: 0 }, replicas: 1 },
    },
  ]);
});

test('gzip is seen by its first bytes, whatever the name', async () => {
  expect((await read('packed.dat', gzipSync(`${header}${line(1)}\n`))).deployments).toHaveLength(1);
});

test('processors asked for count, else those given; jobs that never ran and parts of jobs are left out, and said to be', async () => {
  const lines = [line(1, { 7: -1 }), line(2, { 3: -1 }), line(3, { 10: 2 }), line(4, { 10: 0 }), line(5, { 10: 5 })];
  const { deployments, notes } = await read('a.swf', header + lines.join('\n'));
  expect(deployments.map(({ id, ends, request }) => [id, ends, request.perReplica.cpu])).toEqual([
    ['1', 'succeeded', 4000],
    ['4', 'failed', 8000],
    ['5', 'cancelled', 8000],
  ]);
  expect(notes).toHaveLength(2);
});

test('what is wrong is told line by line', async () => {
  const wrong = `${header}${line(1)}\n1 2 3\n${line(3).replace('60', 'sixty')}\n${line(4, { 1: -1 })}\n`;
  expect(await errorOf(read('bad.swf', wrong))).toBe(
    [
      "bad.swf can't be read as a trace",
      'bad.swf, line 5: has 3 fields; a job has 18',
      'bad.swf, line 6: field 4 is "sixty"; it must be a number, -1 where it is not known',
      'bad.swf, line 7: field 2, the time of submission, is -1; it must be 0 or more',
    ].join('\n'),
  );
});

test('of many wrong lines, the first ten are told', async () => {
  expect(await errorOf(read('bad.swf', header + 'x\n'.repeat(25)))).toMatch(/line 13: .*\n… and 15 more$/);
});

test('a header without processors is an error that says what to do, and --processors does it', async () => {
  const bare = '; Computer: none\n' + line(1);
  expect(await errorOf(read('bare.swf', bare))).toMatch(/--processors; its largest job asks for 8\.$/);
  expect((await read('bare.swf', bare, { processors: 16 })).nodes[0]?.total.cpu).toBe(16_000);
});

test('a file that holds no job, that is cut off, that is not there', async () => {
  expect(await errorOf(read('empty.swf', header))).toBe('empty.swf holds no job');
  const packed = gzipSync(header + Array.from({ length: 5000 }, (_, i) => line(i)).join('\n'));
  expect(await errorOf(read('cut.swf.gz', packed.subarray(0, 1000)))).toBe('could not read cut.swf.gz: it is cut off');
  expect(await errorOf(readTrace(path('no.swf'), defaults))).toBe('could not read no.swf: there is no such file');
});
