import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Condition, conditions, decide, type End, findCycle, type SkipChain, stateOf } from './dependencies.ts';

interface Job {
  readonly needs: readonly { readonly on: number; readonly condition: Condition }[];
  /** How it ends, if it ever runs. */
  readonly ends: 'succeeded' | 'failed' | 'cancelled';
}

/** Each waits for earlier ones only: there is no circle. */
const graphs = fc
  .array(
    fc.record({
      needs: fc.array(fc.record({ on: fc.nat(), condition: fc.constantFrom(...conditions) }), { maxLength: 3 }),
      ends: fc.constantFrom('succeeded' as const, 'failed' as const, 'cancelled' as const),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((jobs): Job[] =>
    jobs.map(({ needs, ends }, index) => ({
      ends,
      needs: index === 0 ? [] : needs.map(({ on, condition }) => ({ on: on % index, condition })),
    })),
  );

interface Outcome {
  readonly end: End;
  readonly chain: SkipChain | null;
  readonly reason: string | null;
  /** The round in which it ended, and the one in which it was let go. */
  readonly round: number;
}

/** Round after round: who has ended lets others go or has them skipped; who was let go ends in the next round. */
function run(jobs: readonly Job[]): Outcome[] {
  const outcomes = new Map<number, Outcome>();
  const released = new Set<number>();
  for (let round = 0; outcomes.size < jobs.length; round += 1) {
    const before = outcomes.size + released.size;
    const seen = new Map(outcomes);
    for (const index of released) {
      const job = jobs[index]!;
      if (!outcomes.has(index)) outcomes.set(index, { end: job.ends, chain: null, reason: 'as it was told', round });
    }
    for (const [index, { needs }] of jobs.entries()) {
      if (outcomes.has(index) || released.has(index)) continue;
      const verdict = decide({ name: `job-${index}`, open: needs.map((need) => dependencyOn(seen, need)) });
      if (verdict.kind === 'release') released.add(index);
      if (verdict.kind === 'skip')
        outcomes.set(index, { end: 'skipped', chain: verdict.chain, reason: verdict.reason, round });
    }
    expect(outcomes.size + released.size, 'somebody waits for ever').toBeGreaterThan(before);
  }
  return jobs.map((_, index) => outcomes.get(index)!);
}

function dependencyOn(seen: ReadonlyMap<number, Outcome>, { on, condition }: Job['needs'][number]) {
  const outcome = seen.get(on);
  const { end = null, reason = null, chain = null } = outcome ?? {};
  return { condition, upstream: { name: `job-${on}`, end, reason, chain } };
}

const indexOf = (name: string) => Number(name.replace('job-', ''));

test('every one ends, and none that waits for success of what did not succeed ever runs', () => {
  fc.assert(
    fc.property(graphs, (jobs) => {
      const outcomes = run(jobs);
      for (const [index, { needs }] of jobs.entries()) {
        const isBroken = needs.some(({ on, condition }) => condition !== 'any' && outcomes[on]!.end !== condition);
        expect(outcomes[index]!.end === 'skipped', `job-${index}`).toBe(isBroken);
      }
    }),
  );
});

test('nothing is let go before all that it waits for have ended', () => {
  fc.assert(
    fc.property(graphs, (jobs) => {
      const outcomes = run(jobs);
      for (const [index, { needs }] of jobs.entries()) {
        const own = outcomes[index]!;
        if (own.end === 'skipped') continue;
        for (const { on } of needs) expect(outcomes[on]!.round).toBeLessThan(own.round);
      }
    }),
  );
});

test('the first cause of a skip is one that was not skipped itself, and all in between were', () => {
  fc.assert(
    fc.property(graphs, (jobs) => {
      const outcomes = run(jobs);
      for (const { end, chain, reason } of outcomes) {
        if (end !== 'skipped') continue;
        expect(outcomes[indexOf(chain!.cause.name)]!.end).not.toBe('skipped');
        for (const name of chain!.skipped) expect(outcomes[indexOf(name)]!.end).toBe('skipped');
        for (const name of [chain!.cause.name, ...chain!.skipped]) expect(reason).toContain(name);
      }
    }),
  );
});

test('a dependency that has been decided stays as it is decided', () => {
  const ends = fc.constantFrom('succeeded', 'failed', 'cancelled', 'skipped', 'deleted') as fc.Arbitrary<End>;
  fc.assert(
    fc.property(ends, fc.constantFrom(...conditions), (end, condition) => {
      const state = stateOf({ condition, upstream: { name: 'a', end, reason: null, chain: null } });
      expect(state).not.toBe('waiting');
      if (condition === 'any') expect(state).toBe('met');
    }),
  );
});

test('a circle is found exactly where there is one, and is one', () => {
  const edges = fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { maxLength: 40 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const waitsFor = new Map<string, string[]>();
      for (const [from, to] of pairs) waitsFor.set(`${from}`, [...(waitsFor.get(`${from}`) ?? []), `${to}`]);
      const cycle = findCycle(waitsFor);
      if (cycle === null) {
        expect(canBeOrdered(waitsFor)).toBe(true);
        return;
      }
      expect(cycle.length).toBeGreaterThan(1);
      expect(cycle.at(-1)).toBe(cycle[0]);
      for (const [index, node] of cycle.slice(0, -1).entries()) expect(waitsFor.get(node)).toContain(cycle[index + 1]);
    }),
  );
});

/** Takes away, again and again, whoever waits for nobody that is left. */
function canBeOrdered(waitsFor: ReadonlyMap<string, readonly string[]>): boolean {
  const left = new Map(waitsFor);
  for (;;) {
    const free = [...left].find(([, targets]) => targets.every((target) => !left.has(target)));
    if (free === undefined) return left.size === 0;
    left.delete(free[0]);
  }
}
