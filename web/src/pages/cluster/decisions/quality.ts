import type { Pass, PassResult } from '../../../../../src/sdk/types.gen.ts';

type Judged = Pick<Pass | PassResult, 'admitted' | 'bound' | 'gap' | 'proven_optimal' | 'solver'>;

/** How good the plan is, in a sentence. */
export function qualityInWords({ bound, gap, proven_optimal: isProven, solver }: Judged): string {
  if (bound === null || gap === null) return 'How close it came to the best was not written down then.';
  const found =
    solver === 'better'
      ? ' The exact solver found it.'
      : solver === 'nothing_better'
        ? ' The exact solver found nothing better.'
        : solver === 'no_answer'
          ? ' The exact solver had no answer in its time.'
          : '';
  if (isProven === true || gap === 0) return `No more could have been admitted.${found}`;
  return `At most ${bound} could be admitted, ${gap} more, if at all.${found}`;
}
