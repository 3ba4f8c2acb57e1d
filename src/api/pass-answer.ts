import type { z } from 'zod';
import type { PassOutcome } from '../control/control-plane.ts';
import type { Database } from '../store/database.ts';
import { readNames } from '../store/deployments.ts';
import type { Scope } from '../store/scope.ts';
import { listedDecisions, namedIn, presentPassResult } from './present/decisions.ts';
import type { PassResult } from './schemas/scheduling.ts';

/** What a pass decided, or would, with the names of all that it is about. */
export async function answerOfPass(
  db: Database,
  scope: Scope,
  outcome: PassOutcome,
): Promise<z.infer<typeof PassResult>> {
  const listed = listedDecisions(outcome);
  const ids = [...listed.map(({ deploymentId }) => deploymentId), ...namedIn(listed)];
  return presentPassResult(outcome, listed, await readNames(db, scope, ids));
}
