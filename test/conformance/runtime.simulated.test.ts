import { expect, test } from 'vitest';
import { createSimulatedRuntime, VirtualClock } from '../../src/runtimes/simulated.ts';
import { type Behaviour, newKey, newSpec, readAll, runtimeConformance } from './runtime.suite.ts';

const image = 'simulated/job';

function environmentOf(behaviour: Behaviour): Record<string, string> {
  const { afterMs, exitCode, outOfMemory, stdout, stderr, everyMs, ignoresTerm, isWell, busy } = behaviour;
  const { writes, reads, reaches } = behaviour;
  return {
    ...(afterMs !== undefined && { SIM_RUN_MS: String(afterMs) }),
    ...(exitCode !== undefined && { SIM_EXIT_CODE: String(exitCode) }),
    ...(outOfMemory === true && { SIM_OOM: '1' }),
    ...(stdout !== undefined && { SIM_LOG: stdout.join('\n') }),
    ...(stderr !== undefined && { SIM_LOG_STDERR: stderr.join('\n') }),
    ...(everyMs !== undefined && { SIM_LOG_EVERY_MS: String(everyMs) }),
    ...(writes !== undefined && { SIM_WRITE: `${writes.path}=${writes.text}` }),
    ...(reads !== undefined && { SIM_READ: reads.join('\n') }),
    ...(reaches !== undefined && { SIM_REACH: reaches.join('\n') }),
    ...(ignoresTerm === true && { SIM_IGNORE_TERM: '1' }),
    ...(isWell === false && { SIM_UNWELL_AFTER_MS: '0' }),
    ...(busy === true && { SIM_CPU: '0.5', SIM_RAM: '0.016' }),
  };
}

runtimeConformance('simulated', async () => {
  const runtime = createSimulatedRuntime();
  return {
    runtime,
    run: (behaviour) => ({ image, command: null, env: environmentOf(behaviour) }),
    missingImage: 'missing/image',
    check: { kind: 'tcp', port: 80 },
    refused: { image, command: null, env: { SIM_START_FAIL: 'the engine refuses it' } },
    goAway: async () => runtime.setReachable(false),
    comeBack: async () => runtime.setReachable(true),
    close: async () => {},
  };
});

test('a virtual clock runs a day of containers in no time, and their ends in order', async () => {
  const clock = new VirtualClock(1000);
  const runtime = createSimulatedRuntime({ clock });
  const ends: number[] = [];
  await runtime.watch(
    (state) => ends.push(state.key.replica),
    () => {},
    new AbortController().signal,
  );
  for (const hours of [3, 1, 2]) {
    const env = { SIM_RUN_MS: String(hours * 3_600_000) };
    await runtime.start(newSpec({ image, env, key: newKey({ replica: hours }) }));
  }
  clock.advance(2 * 3_600_000 - 1);
  expect(ends).toEqual([1]);
  clock.advance(86_400_000);
  expect(ends).toEqual([1, 2, 3]);
  const states = await runtime.list();
  expect(states.map((state) => state.finishedAt)).toEqual([3, 1, 2].map((hours) => 1000 + hours * 3_600_000));
});

test('a slow start is over when its time has come, and fails when it is removed before', async () => {
  const clock = new VirtualClock();
  const runtime = createSimulatedRuntime({ clock });
  const slow = { image, env: { SIM_START_MS: '500' } };
  const [first, second] = [newSpec(slow), newSpec(slow)];
  const starting = runtime.start(first);
  const removed = runtime.start(second);
  expect(await runtime.inspect(first.key)).toMatchObject({ status: 'created', startedAt: null });
  await runtime.remove(second.key);
  clock.advance(500);
  expect(await starting).toMatchObject({ status: 'running', startedAt: 500 });
  await expect(removed).rejects.toMatchObject({ code: 'start_failed' });
});

test('one is well from a time on, and to a time', async () => {
  const clock = new VirtualClock();
  const runtime = createSimulatedRuntime({ clock });
  const spec = newSpec({ image, env: { SIM_WELL_AFTER_MS: '100', SIM_UNWELL_AFTER_MS: '300' } });
  await runtime.start(spec);
  const found: (boolean | undefined)[] = [];
  for (let looks = 0; looks < 5; looks += 1) {
    found.push((await runtime.probe(spec.key, { kind: 'tcp', port: 80 }, 1000))?.isWell);
    clock.advance(100);
  }
  expect(found).toEqual([false, true, true, false, false]);
});

test('one that vanished is found by a listing only, and ends who waits for it', async () => {
  const runtime = createSimulatedRuntime();
  const changes: unknown[] = [];
  await runtime.watch(
    (state) => changes.push(state),
    () => {},
    new AbortController().signal,
  );
  const spec = newSpec({ image, env: { SIM_IGNORE_TERM: '1' } });
  await runtime.start(spec);
  const following = readAll(runtime, spec.key, { follow: true });
  const stopping = runtime.stop(spec.key, 60);
  runtime.vanish(spec.key);
  expect(await following).toEqual([]);
  expect(await stopping).toBeNull();
  expect(await runtime.list()).toEqual([]);
  expect(changes).toEqual([]);
});

test('tens of thousands that end in another order than they started', async () => {
  const count = 20_000;
  const clock = new VirtualClock();
  const runtime = createSimulatedRuntime({ clock });
  for (let n = 0; n < count; n += 1) {
    const key = { clusterId: 'c', deploymentId: String(n), attempt: 1, replica: 0, run: 1 };
    await runtime.start(newSpec({ image, key, env: { SIM_RUN_MS: String((n * 7919) % count) } }));
  }
  clock.advance(count);
  expect((await runtime.list()).every((state) => state.status === 'exited')).toBe(true);
});
