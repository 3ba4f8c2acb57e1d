import { describe, expect, test } from 'vitest';
import { reportOf } from './report.ts';
import { simulate } from './simulate.ts';
import { easy, easyExample, job, machine, policy, traceOf } from './testing.ts';

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const large = (id: string, at: number) => job(id, at, { cores: 2, gpus: 2, run: 100 });

const report = reportOf(easyExample, [simulate(easyExample, easy, { until: null })]);
const [run] = report.runs;

describe('the numbers of the example that was worked out by hand', () => {
  test('waits: 0, 99, 0, 57, 0 seconds', () => {
    expect(run?.overall.wait_s).toEqual({ mean: 31.2, p50: 0, p90: 99, p99: 99, max: 99 });
  });

  test('bounded slowdowns: 1, 149/50, 1, 77/20, 1', () => {
    expect(run?.overall.bounded_slowdown.mean).toBeCloseTo((3 + 149 / 50 + 77 / 20) / 5);
    expect(run?.overall.bounded_slowdown.max).toBeCloseTo(77 / 20);
  });

  test('in use: 1,640 core-seconds of 1,940', () => {
    expect(run?.utilization.cpu?.mean).toBeCloseTo(1640 / 1940);
    // While B or E waits, from 1 to 150: 6 cores of A for 99 s, 4 of C for 90, 8 of B for 50, 2 of F for 56.
    expect(run?.utilization.cpu?.while_waiting).toBeCloseTo((6 * 99 + 4 * 90 + 8 * 50 + 2 * 56) / (10 * 149));
    expect(run?.utilization.gpu).toBeNull();
    expect(run?.overall.cpu_hours).toBeCloseTo(1640 / 3600);
  });

  test('the queue: one for 156 of 194 seconds, two for seven', () => {
    expect(run?.queue.mean).toBeCloseTo(156 / 194);
    expect(run?.queue.max).toBe(2);
    expect(run?.makespan_s).toBe(194);
  });

  test('by priority and by user', () => {
    expect(run?.by_priority.map(({ priority, deployments }) => [priority, deployments])).toEqual([
      [50, 4],
      [60, 1],
    ]);
    expect(run?.by_user.map(({ user, wait_s }) => [user, wait_s.mean])).toEqual([
      ['ada', 0],
      ['bob', 78],
    ]);
  });

  test('fairness: the slowdowns of ada are 1, those of bob (2.98 + 3.85) / 2', () => {
    const bob = (149 / 50 + 77 / 20) / 2;
    expect(run?.fairness).toBeCloseTo((1 + bob) ** 2 / (2 * (1 + bob ** 2)));
  });

  test('curves have the same mean as what they are drawn from', () => {
    const { utilization, queued, time_s: times } = run!.curves;
    expect(mean(utilization.cpu ?? [])).toBeCloseTo(1640 / 1940, 3);
    expect(mean(queued)).toBeCloseTo(156 / 194, 3);
    expect(times[0]).toBe(0);
    expect(times).toHaveLength(queued.length);
  });
});

test('whoever still waits at the end counts with the wait so far', () => {
  const trace = traceOf([machine(1)], [job('a', 0, { run: null }), job('b', 5, {}), job('c', 20, { cores: 2 })]);
  const [cut] = reportOf(trace, [simulate(trace, policy(), { until: 60_000 })]).runs;
  expect(cut?.overall.outcomes).toMatchObject({ running: 1, queued: 1, refused: 1 });
  expect(cut?.overall.wait_s.max).toBe(55);
  expect(cut?.makespan_s).toBe(60);
});

describe('fragmentation and what is stranded', () => {
  // Two nodes of 4 cores and 2 GPUs. The typical request: 2 GPUs and 2 cores.
  const pair = [machine(4, 2, 'a'), machine(4, 2, 'b')];

  test('an idle GPU that is alone is of no use to who asks for two', () => {
    // One of 1 GPU among three of 2. On its node, the other GPU is fragmented for 3/4 of the requests.
    const trace = traceOf(pair, [
      large('x', 0),
      job('one', 0, { gpus: 1, run: 100 }),
      large('y', 100),
      large('z', 100),
    ]);
    const { timeline } = simulate(trace, policy(), { until: 50_000 });
    expect(timeline.of.fragmented).toEqual([750]);
    expect(timeline.of.gpu).toEqual([3000]);
  });

  test('what is free on a node without cores is stranded', () => {
    const cores = job('cores', 0, { cores: 4, run: 100 });
    const trace = traceOf([machine(4, 2)], [cores, large('x', 200), large('y', 400)]);
    const { timeline } = simulate(trace, policy(), { until: 50_000 });
    expect([timeline.of.stranded_gpu, timeline.of.fragmented]).toEqual([[2000], [2000]]);
  });
});

test('what the trace records stands beside what the policy made of it', () => {
  const trace = traceOf([machine(1)], [job('a', 0, { run: 10 }, { recordedWait: 30_000 })]);
  const { recorded } = reportOf(trace, [simulate(trace, policy(), { until: null })]).trace;
  expect(recorded?.wait_s.mean).toBe(30);
  expect(recorded?.bounded_slowdown.mean).toBe(4);
});
