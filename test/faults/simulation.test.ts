/**
 * The control plane in histories of faults (docs/faults.md): a few dozen are enough to see that nothing was broken; whoever changes
 * the loops runs thousands. And the auditor is put to the test itself, by faults that are planted for it to find.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { plantedBugs } from '../simulation/planted-bugs.ts';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../simulation/main.ts', import.meta.url));

/** In processes of its own: time is replaced there. Whatever its exit code, what it printed. */
async function faults(...args: string[]): Promise<string> {
  const options = { maxBuffer: 64 * 1024 * 1024 };
  const answer = await run(process.execPath, ['--import', 'tsx', main, ...args], options).catch(
    (failed: { stdout: string; stderr: string }) => {
      if (failed.stdout === '') throw new Error(failed.stderr);
      return failed;
    },
  );
  return answer.stdout;
}

test('through dozens of histories of faults nothing is lost, run twice, over-allocated or left', async () => {
  const { seeds, failures } = JSON.parse(await faults('--seeds', '60', '--json')) as {
    seeds: number;
    failures: unknown[];
  };
  expect(failures).toEqual([]);
  expect(seeds).toBe(60);
});

/** More than a hundred histories, while other tests keep the machine busy. */
const bugsMs = 900_000;

test('every planted fault is found', { timeout: bugsMs }, async () => {
  const found = JSON.parse(await faults('--bugs', '--seeds', '150', '--json')) as Record<
    string,
    { rule: string | null }
  >;
  expect(Object.keys(found).toSorted()).toEqual(Object.keys(plantedBugs).toSorted());
  expect(Object.keys(found).length).toBeGreaterThanOrEqual(10);
  expect(Object.entries(found).filter(([, { rule }]) => rule === null)).toEqual([]);
});

test('the same seed is the same history, event for event', async () => {
  const [first, second] = [await faults('--seed', '3'), await faults('--seed', '3')];
  expect(first.split('\n').length).toBeGreaterThan(100);
  expect(second).toBe(first);
});
