import { describe, expect, test } from 'vitest';
import { type EngineStats, toUsage } from './stats.ts';

const mib = 1024 ** 2;

/** As the engine answers, cut to what counts. */
function answer(memory: EngineStats['memory_stats'], given: Partial<EngineStats> = {}): EngineStats {
  return {
    read: '2026-01-02T03:04:05.678901234Z',
    cpu_stats: { cpu_usage: { total_usage: 1_234_567_890 } },
    memory_stats: memory,
    ...given,
  };
}

describe('memory is counted without what the kernel would give back', () => {
  test.each([
    ['first version', { usage: 512 * mib, stats: { total_inactive_file: 256 * mib, inactive_file: 10 * mib } }, 250],
    ['second version', { usage: 512 * mib, stats: { inactive_file: 256 * mib } }, 250],
    ['nothing is told of it', { usage: 256 * mib, stats: {} }, 250],
    ['more of it than is used', { usage: 256 * mib, stats: { inactive_file: 300 * mib } }, 250],
  ])('%s of control groups', (_, memory, ram) => {
    expect(toUsage(answer(memory))).toEqual({ at: Date.parse('2026-01-02T03:04:05.678Z'), cpuMs: 1235, ram });
  });
});

test('of a container that does not run, nothing is counted', () => {
  expect(
    toUsage(answer({}, { read: '0001-01-01T00:00:00Z', cpu_stats: { cpu_usage: { total_usage: 0 } } })),
  ).toBeNull();
  expect(toUsage(answer({}))).toBeNull();
  expect(toUsage(answer({ usage: 1 }, { cpu_stats: {} }))).toBeNull();
});
