/** A short run of what `npm run chaos` does for minutes (docs/faults.md): eight real processes, and something killed, cut or full every few seconds. */
import { expect, test } from 'vitest';
import { runChaos } from '../chaos/chaos.ts';
import { requireEngine } from '../support/engine-port.ts';

const seconds = 30;

test(`${seconds} seconds of kills, cuts and a full disk break no promise`, { timeout: 1_200_000 }, async () => {
  const seed = Number(process.env['HYPERVISOR_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const lines = [`chaos test: HYPERVISOR_TEST_SEED=${seed}`];
  const { signal } = new AbortController();
  const say = (line: string) => lines.push(line);
  const verdict = await runChaos({ seed, seconds, engine: requireEngine(), say, signal });
  expect(verdict.findings, lines.join('\n')).toEqual([]);
  // That it happened: people were answered, all ended, something went wrong, and somebody looked.
  expect(verdict.submitted).toBeGreaterThan(0);
  expect(verdict.ended).toBe(verdict.submitted);
  expect(verdict.faults.size).toBeGreaterThan(0);
  expect(verdict.looks).toBeGreaterThan(0);
});
