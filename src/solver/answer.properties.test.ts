/** What the exact solver says, and what the core makes of it and of anything else that it might be told. */
import fc from 'fast-check';
import type { Highs } from 'highs';
import { beforeAll, describe, expect, test } from 'vitest';
import { nodes, now, queues, withoutPorts } from '../../test/support/arbitraries.ts';
import { canPlace, mostInTurn } from '../../test/support/brute-force.ts';
import { questionOf } from '../core/demand.ts';
import type { Hint } from '../core/hint.ts';
import type { Plan, QueuedDeployment, Snapshot } from '../core/model.ts';
import { plan, planWith } from '../core/plan.ts';
import { fits } from '../core/resources.ts';
import { applied } from '../core/testing.ts';
import { answer } from './answer.ts';
import { loadHighs } from './load.ts';

const policy = { agingInterval: 0, reservationAfter: Number.MAX_SAFE_INTEGER, maxAdmissions: 500 };
const priorities = [1, 2, 3];
/** So much that the clock plays no part. */
const milliseconds = 60_000;

let highs: Highs;
beforeAll(async () => {
  highs = await loadHighs();
});

const snapshots = (most: number) =>
  fc.record({ nodes, queue: queues(1, most, priorities) }).map(({ nodes: all, queue }): Snapshot => {
    return { nodes: all.slice(0, 2), queue: withoutPorts(queue), holdings: [] };
  });

const levelsOf = ({ queue }: Snapshot) => priorities.map((level) => queue.filter(({ priority }) => priority === level));

/** By priority. */
const countsOf = (result: Plan) =>
  priorities.map((level) => result.decisions.filter((one) => one.kind === 'place' && one.priority === level).length);

function answerTo(snapshot: Snapshot): Hint | null {
  const question = questionOf(snapshot, policy, now);
  return question === null ? null : answer(highs, question, milliseconds);
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe('the exact solver', () => {
  test('admits, level after level, as many as brute force does', () => {
    fc.assert(
      fc.property(snapshots(9), (snapshot) => {
        const hint = answerTo(snapshot);
        const most = mostInTurn(snapshot.nodes, levelsOf(snapshot));
        // Levels of which nobody fits alone are not asked about.
        expect((hint?.admitted ?? []).map(sum).filter((count) => count > 0)).toEqual(most.filter((count) => count > 0));
      }),
      { numRuns: 60 },
    );
  });
});

test('where somebody needs a host port it is not asked: it knows nothing of them', () => {
  const web = { perReplica: { ram: 1000, cpu: 0, gpu: 0 }, replicas: 1, gpuModels: [], hostPorts: ['tcp/80'] };
  const total = { ram: 8000, cpu: 8000, gpu: 0 };
  const snapshot: Snapshot = {
    nodes: [{ id: 'n', name: 'n', total, free: total, devices: [], schedulable: true }],
    queue: [{ id: 'd', request: web, priority: 1, queuedAt: now, timeLimit: null }],
    holdings: [],
  };
  expect(questionOf(snapshot, policy, now)).toBeNull();
});

describe('a plan with its answer', () => {
  test('admits as many, level after level, and says that it is proven', () => {
    fc.assert(
      fc.property(snapshots(9), (snapshot) => {
        const hint = answerTo(snapshot);
        if (hint === null) return;
        const result = planWith(hint, plan(snapshot, policy, now), snapshot, policy, now);
        expect(countsOf(result)).toEqual(mostInTurn(snapshot.nodes, levelsOf(snapshot)));
        expect(result.quality).toMatchObject({ proven: true, bound: result.quality.admitted });
        expectSound(snapshot, result);
      }),
      { numRuns: 60 },
    );
  });

  test('of a few levels only: as many there, never less in all than without, and nobody passed over', () => {
    fc.assert(
      fc.property(snapshots(9), fc.integer({ min: 0, max: 2 }), (snapshot, provenLevels) => {
        const hint = answerTo(snapshot);
        if (hint === null || hint.admitted.length < provenLevels) return;
        const own = plan(snapshot, policy, now);
        const result = planWith({ ...hint, provenLevels }, own, snapshot, policy, now);
        expectNoLess(countsOf(result), countsOf(own));
        expectSound(snapshot, result);
        const counts = result.quality.levels.map(({ admitted }) => admitted);
        expect(counts.slice(0, provenLevels)).toEqual(hint.admitted.slice(0, provenLevels).map(sum));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a plan with a hint that is wrong', () => {
  const counts = fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constantFrom(-1, 0.5, Number.NaN, 1e9));
  const table = fc.array(fc.array(counts, { maxLength: 6 }), { maxLength: 4 });
  const nonsense = fc.record({ admitted: table, placed: table, provenLevels: counts });

  test('nonsense changes nothing that anybody could be harmed by', () => {
    fc.assert(
      fc.property(snapshots(12), nonsense, (snapshot, hint) => {
        const own = plan(snapshot, policy, now);
        const result = planWith(hint, own, snapshot, policy, now);
        expectNoLess(countsOf(result), countsOf(own));
        expectSound(snapshot, result);
      }),
      { numRuns: 300 },
    );
  });

  test('nor does one of the right form with wrong numbers', () => {
    const few = fc.integer({ min: 0, max: 2 });
    fc.assert(
      fc.property(snapshots(10), fc.infiniteStream(few), (snapshot, numbers) => {
        const question = questionOf(snapshot, policy, now);
        if (question === null) return;
        const next = (): number => numbers.next().value ?? 0;
        const admitted = question.counts.map((level) => level.map((count) => Math.min(count, next())));
        const placed = question.requests.map(({ replicas }, s) => {
          let left = replicas * sum(admitted.map((level) => level[s] ?? 0));
          return question.nodes.map((_, n) => {
            const here = n === question.nodes.length - 1 ? left : Math.min(left, next());
            left -= here;
            return here;
          });
        });
        const own = plan(snapshot, policy, now);
        const hint = { admitted, placed, provenLevels: admitted.length };
        const result = planWith(hint, own, snapshot, policy, now);
        expectNoLess(countsOf(result), countsOf(own));
        expectSound(snapshot, result);
      }),
      { numRuns: 200 },
    );
  });

  test('what is no hint at all, or one for another queue, is not used', () => {
    fc.assert(
      fc.property(snapshots(9), snapshots(9), (snapshot, other) => {
        const own = plan(snapshot, policy, now);
        for (const hint of [{}, { admitted: 'all' }, { admitted: [[1]], placed: [null], provenLevels: 1 }]) {
          expect(planWith(hint as unknown as Hint, own, snapshot, policy, now)).toBe(own);
        }
        const stale = answerTo(other);
        if (stale === null) return;
        const result = planWith(stale, own, snapshot, policy, now);
        expectNoLess(countsOf(result), countsOf(own));
        expectSound(snapshot, result);
      }),
      { numRuns: 60 },
    );
  });
});

function expectNoLess(counts: readonly number[], than: readonly number[]): void {
  const differs = counts.findIndex((count, level) => count !== than[level]);
  if (differs !== -1) expect(counts[differs]).toBeGreaterThan(than[differs] ?? 0);
}

/** No node and no device holds more than it has, all replicas or none, and nobody is admitted in the place of somebody better. */
function expectSound(snapshot: Snapshot, result: Plan): void {
  const queue = new Map(snapshot.queue.map((one) => [one.id, one]));
  const places = result.decisions.filter((one) => one.kind === 'place');
  const waiting = result.decisions.filter((one) => one.kind === 'wait');
  const all = places.flatMap(({ placements }) => placements);
  for (const node of snapshot.nodes) {
    const here = all.filter(({ nodeId }) => nodeId === node.id);
    expect(fits(node, here)).toBe(true);
  }
  for (const place of places) {
    const { request, priority } = queue.get(place.deploymentId) as QueuedDeployment;
    expect(place.placements).toHaveLength(request.replicas);
    const most = Math.max(
      ...snapshot.nodes.map(({ id }) => place.placements.filter(({ nodeId }) => nodeId === id).length),
    );
    expect(most).toBeLessThanOrEqual(request.maxPerNode || request.replicas);
    const others = { ...result, decisions: places.filter((one) => one !== place) };
    const without = applied(others, snapshot).nodes;
    for (const other of waiting) {
      if (other.priority >= priority) continue;
      expect(canPlace(without, queue.get(other.deploymentId) as QueuedDeployment)).toBe(false);
    }
  }
}
