/** Asks the exact solver where a plan is not known to be the best, and it pays. */
import { createHash } from 'node:crypto';
import { type Question, questionOf } from '../core/demand.ts';
import type { Hint } from '../core/hint.ts';
import type { Plan, Policy, Quality, Snapshot } from '../core/model.ts';
import { planWith } from '../core/plan.ts';
import type { Answer, Solver } from '../solver/solver.ts';

/** What became of the exact solver in a pass. */
export type SolverUse =
  /** The plan was known to be the best, or there was too much to choose from, or the solver was busy or rests. */
  | 'not_asked'
  /** It proved nothing in its time. */
  | 'no_answer'
  /** What it found is no better: at most it is known now how good the plan is. */
  | 'nothing_better'
  | 'better';

interface Decided {
  readonly plan: Plan;
  readonly solver: SolverUse;
}

export interface NearOptimum {
  /** Whether the solver might be asked about a plan of this quality, with so many queued. */
  mayPay(quality: Quality, queued: number): boolean;
  /** The plan, or a better one. What the solver did not prove changes nothing. */
  improve(own: Plan, snapshot: Snapshot, policy: Policy, now: number): Promise<Decided>;
}

/** With more pairs of a shape and a node, hardly more than the best level is solved in time. */
const mostPairs = 600;
/** In a longer queue, to find out what to ask takes as long as the rest of the pass. */
const longQueue = 2_000;
/** It rests for so many times as long as it took: most of the time, passes are not held up by it. */
const restShare = 4;
/** Of so many states is remembered what the solver said. */
const rememberedStates = 256;

function mayPay({ proven }: Quality, queued: number): boolean {
  return !proven && queued <= longQueue;
}

export function createNearOptimum(solver: Pick<Solver, 'ask'>): NearOptimum {
  const known = new Map<string, Hint | null>();
  /** Not before it is anything new asked; `performance.now()`. */
  let restsUntil = 0;

  /** The same question is asked once: the answer would be the same, or there would be none again. */
  async function hintFor(question: Question): Promise<Hint | null | 'busy'> {
    const state = createHash('sha256').update(JSON.stringify(question)).digest('base64');
    const before = known.get(state);
    if (before !== undefined) return before;
    const askedAt = performance.now();
    if (askedAt < restsUntil) return 'busy';
    const answer: Answer = await solver.ask(question);
    const answeredAt = performance.now();
    restsUntil = answeredAt + restShare * (answeredAt - askedAt);
    if (answer.kind === 'busy') return 'busy';
    const hint = answer.kind === 'hint' ? answer.hint : null;
    const [oldest] = known.keys();
    if (known.size >= rememberedStates && oldest !== undefined) known.delete(oldest);
    known.set(state, hint);
    return hint;
  }

  return {
    mayPay,
    async improve(own, snapshot, policy, now) {
      const notAsked: Decided = { plan: own, solver: 'not_asked' };
      if (!mayPay(own.quality, snapshot.queue.length)) return notAsked;
      const question = questionOf(snapshot, policy, now);
      if (question === null || question.requests.length * question.nodes.length > mostPairs) return notAsked;
      const hint = await hintFor(question);
      if (hint === 'busy') return notAsked;
      if (hint === null) return { plan: own, solver: 'no_answer' };
      const plan = planWith(hint, own, snapshot, policy, now);
      return { plan, solver: plan.decisions === own.decisions ? 'nothing_better' : 'better' };
    },
  };
}
