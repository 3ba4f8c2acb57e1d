/** Every process is ended in good order and started again, one after the other, while people are at work: as with each update of the program. */
import { expect, test } from 'vitest';
import { setStage } from '../chaos/stage.ts';
import { requireEngine } from '../support/engine-port.ts';

test('restarting every role under load loses nothing that was acknowledged', { timeout: 1_200_000 }, async () => {
  const seed = Number(process.env['HYPERVISOR_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const said = [`rolling restart: HYPERVISOR_TEST_SEED=${seed}`];
  const { signal } = new AbortController();
  const stage = await setStage({ seed, engine: requireEngine(), say: (line) => said.push(line), signal });
  try {
    stage.open();
    const before = stage.processes.map(({ process }) => process.starts);
    for (const { process } of stage.processes) {
      const answers = stage.promises.acknowledged;
      await process.restart();
      await stage.untilAcknowledged(answers + 5);
    }
    await stage.close();
    expect(stage.processes.map(({ process }) => process.starts)).toEqual(before.map((starts) => starts + 1));
  } finally {
    const log = await stage.remove();
    if (log !== null) said.push(`The log of the processes: ${log}`);
  }
  expect(stage.findings.all, said.join('\n')).toEqual([]);
  expect(stage.watch.ended).toBe(stage.promises.all.length);
});
