import { isFinal } from '../core/lifecycle.ts';
import type { TransitionOutcome } from '../store/transitions.ts';
import { ApiError, notFound } from './errors.ts';
import { illegalTransition } from './illegal-transition.ts';
import { neededByOthers } from './needed.ts';

type Refused = Exclude<TransitionOutcome, { kind: 'done' }>;

/** Why the verb was not done to a deployment. */
export function refusal(outcome: Refused, verb: string): ApiError {
  switch (outcome.kind) {
    case 'unknown':
      return notFound('deployment');
    case 'needed':
      return neededByOthers(outcome);
    case 'conflict':
      // A finished deployment can be retried, unless its cluster is on its way out.
      if (verb === 'retry' && isFinal(outcome.status)) return new ApiError('cluster_deleting');
      return illegalTransition(verb, outcome.status);
  }
}
