/**
 * `npm run chaos -- [--minutes 5] [--seed N]`: real processes, real PostgreSQL, Redis and Docker Engine, people at work, and something
 * killed, cut or full every few seconds. Exit code 1 where a promise was broken.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Docker from 'dockerode';
import { CleanUp, interruption } from '../../demo/clean-up.ts';
import { ensureBusyboxImage } from '../../src/platform/busybox-image.ts';
import { provisionDockerEngine } from '../../src/platform/docker-engine.ts';
import { enginePortAt } from '../support/engine-port.ts';
import { runChaos, type Verdict } from './chaos.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const say = (line: string) => process.stderr.write(`${line}\n`);

if (!(minutes > 0) || !Number.isInteger(seed)) {
  say('usage: npm run chaos -- [--minutes N] [--seed N], with minutes above 0 and a seed that is a whole number');
  process.exit(2);
}

function print({ findings, faults, submitted, acknowledged, ended, looks, log }: Verdict): void {
  const what = [...faults].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`);
  say(`\nfaults: ${what.join(', ')}`);
  say(
    `${submitted} submissions were acknowledged, ${acknowledged} answers in all; ${ended} ended; looked ${looks} times`,
  );
  for (const { rule, message } of findings) say(`✗ ${rule}: ${message}`);
  if (log !== null) say(`what the processes logged: ${log}`);
  say(
    findings.length === 0
      ? `nothing was broken (seed ${seed})`
      : `${findings.length} broken; again: npm run chaos -- --seed ${seed}`,
  );
}

const cleanUp = new CleanUp();
const signal = interruption();
try {
  say(`seed ${seed}, ${minutes} min`);
  const dataRoot = await cleanUp.acquire(
    'the temporary directory',
    signal,
    () => mkdtemp(join(tmpdir(), 'hv-chaos-engine-')),
    (path) => rm(path, { recursive: true, force: true }),
  );
  const engine = await cleanUp.acquire(
    'the Docker Engine',
    signal,
    () => provisionDockerEngine({ say, dataRoot }),
    (opened) => opened.stop(),
  );
  const image = await ensureBusyboxImage(new Docker(engine.connection), { say });
  const verdict = await runChaos({
    seed,
    seconds: minutes * 60,
    engine: enginePortAt(engine.host, image),
    say,
    signal,
  });
  print(verdict);
  process.exitCode = verdict.findings.length === 0 ? 0 : 1;
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
} finally {
  for (const failure of await cleanUp.run()) say(`could not clean up ${failure}`);
}
