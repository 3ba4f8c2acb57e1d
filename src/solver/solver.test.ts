import pino from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { youngerThree } from '../../test/support/younger-three.ts';
import { createNearOptimum } from '../control/near-optimum.ts';
import { questionOf } from '../core/demand.ts';
import type { Hint } from '../core/hint.ts';
import type { Snapshot } from '../core/model.ts';
import { plan } from '../core/plan.ts';
import { defaultPolicy, node, queued, request } from '../core/testing.ts';
import { createSolver, type Solver } from './solver.ts';

const log = pino({ level: 'silent' });

const snapshot: Snapshot = {
  nodes: [node('a', 16, 18), node('b', 19, 11)],
  queue: youngerThree.map(([ram, cpu, priority], i) =>
    queued(`d${String(i).padStart(2, '0')}`, request(ram, cpu), { priority, queuedAt: i }),
  ),
  holdings: [],
};
const own = plan(snapshot, defaultPolicy, 100);
const question = questionOf(snapshot, defaultPolicy, 100);
if (question === null) throw new Error('there is nothing to ask');

let solver: Solver;
afterEach(() => solver.close());

/** A thread that runs this instead of the solver. */
async function threadOf(code: string, answerMs = 200): Promise<Solver> {
  const lines = `import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ number }) => { ${code} });
    parentPort.postMessage('ready');`;
  const program = new URL(`data:text/javascript,${encodeURIComponent(lines)}`);
  solver = createSolver({ log, program, answerMs, graceMs: 50 });
  expect(await solver.start()).toBe(true);
  return solver;
}

const improve = (by: Pick<Solver, 'ask'>) => createNearOptimum(by).improve(own, snapshot, defaultPolicy, 100);

describe('the thread of the solver', () => {
  test('is made when first asked, and finds what the plan has missed', async () => {
    solver = createSolver({ log, answerMs: 20_000 });
    expect(await solver.ask(question)).toEqual({ kind: 'busy' });
    expect(await solver.start()).toBe(true);
    expect(own.quality.levels.map(({ admitted }) => admitted)).toEqual([3, 1]);
    const better = await improve(solver);
    expect(better.solver).toBe('better');
    expect(better.plan.quality).toMatchObject({ admitted: 6, bound: 6, proven: true });
  });

  test('that dies of a question leaves the plan as it is, and is made anew, but not at once', async () => {
    await threadOf('process.exit(1)');
    expect(await improve(solver)).toEqual({ plan: own, solver: 'no_answer' });
    expect(await solver.ask(question)).toEqual({ kind: 'busy' });
  });

  test('that throws leaves it as it is', async () => {
    await threadOf("throw new Error('no')");
    expect(await improve(solver)).toEqual({ plan: own, solver: 'no_answer' });
  });

  test('that computes for ever is ended', async () => {
    await threadOf('for (;;);', 50);
    expect(await improve(solver)).toEqual({ plan: own, solver: 'no_answer' });
  });

  test('that says anything else is not believed', async () => {
    for (const hint of ["'all'", '{}', '{ admitted: [[99]], placed: [], provenLevels: 1 }']) {
      await threadOf(`parentPort.postMessage(7); parentPort.postMessage({ number, hint: ${hint} })`);
      expect(await improve(solver)).toEqual({ plan: own, solver: 'nothing_better' });
      await solver.close();
    }
  });

  test('that cannot be started is never waited for', async () => {
    solver = createSolver({ log, program: new URL('data:text/javascript,throw new Error()') });
    expect(await solver.start()).toBe(false);
    expect(await improve(solver)).toEqual({ plan: own, solver: 'not_asked' });
  });
});

describe('who asks', () => {
  test('asks once about one state, whatever the answer was; but again where there was none to be had', async () => {
    for (const [answer, times] of [
      [{ kind: 'nothing' as const }, 1],
      [{ kind: 'hint' as const, hint: { admitted: [], placed: [], provenLevels: 0 } satisfies Hint }, 1],
      [{ kind: 'busy' as const }, 2],
    ] as const) {
      let asked = 0;
      const nearOptimum = createNearOptimum({
        async ask() {
          asked++;
          return answer;
        },
      });
      for (let pass = 0; pass < 2; pass++) await nearOptimum.improve(own, snapshot, defaultPolicy, 100 + pass);
      expect(asked).toBe(times);
    }
  });

  test('does not ask where the plan is proven, or where somebody has waited too long', async () => {
    const never = {
      ask: () => {
        throw new Error('asked');
      },
    };
    const one = { ...snapshot, queue: snapshot.queue.slice(0, 1) };
    const proven = plan(one, defaultPolicy, 100);
    expect(await createNearOptimum(never).improve(proven, one, defaultPolicy, 100)).toMatchObject({
      solver: 'not_asked',
    });
    const late = 3 * defaultPolicy.reservationAfter;
    const overdue = plan(snapshot, defaultPolicy, late);
    expect(await createNearOptimum(never).improve(overdue, snapshot, defaultPolicy, late)).toMatchObject({
      solver: 'not_asked',
    });
  });
});
