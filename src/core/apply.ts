/** What it takes to make what is there into what somebody declared: a decision for each name, and nothing else. */
import type { Difference } from './differences.ts';
import { type DeploymentStatus, isFinal } from './lifecycle.ts';
import type { DeploymentKind } from './progress.ts';

/** The deployment that is current under a name. */
export interface Present {
  readonly kind: DeploymentKind;
  readonly status: DeploymentStatus;
  /** It is being stopped and will not come back: by a user, or because its time is over. */
  readonly isLeaving: boolean;
}

export interface Declared {
  readonly kind: DeploymentKind;
  /** In what it differs from what is there. */
  readonly differences: readonly Difference[];
  /** True where what the scheduler reads is as before, but for the priority. */
  readonly asksTheSame: boolean;
  /** True where all in which it differs is what an update of a service can change, one replica after the other. */
  readonly isUpdatable: boolean;
}

export interface ApplyOptions {
  /** Stop what is active and can't be brought to what was declared, and queue that. */
  readonly replace: boolean;
  /** Run finished jobs again, also where nothing has changed. */
  readonly rerun: boolean;
}

export type ApplyAction =
  | { readonly action: 'create' | 'unchanged' }
  /** In place: it keeps its age, its id and everything else. What runs is `rolled`: one replica after the other. */
  | { readonly action: 'update'; readonly rolled: boolean }
  /** A new one takes the name; what was there is withdrawn or stopped first, unless it is over. */
  | { readonly action: 'replace'; readonly keepsAge: boolean }
  /** It would have to be stopped, and nobody said that it may. */
  | { readonly action: 'conflict' };

/** What becomes of a name that is declared; `present` is null where nothing is there under it. */
export function actionFor(declared: Declared, present: Present | null, options: ApplyOptions): ApplyAction {
  if (present === null) return { action: 'create' };
  const differs = declared.differences.length > 0;
  if (present.status === 'queued') return actionForQueued(declared);
  if (isFinal(present.status) || present.isLeaving) {
    // A job that has run has run. A service is declared to run.
    const again = differs || options.rerun || declared.kind === 'service';
    return again ? { action: 'replace', keepsAge: false } : { action: 'unchanged' };
  }
  if (!differs) return { action: 'unchanged' };
  if (canBeRolled(declared, present)) return { action: 'update', rolled: true };
  return options.replace ? { action: 'replace', keepsAge: false } : { action: 'conflict' };
}

/** It has not run yet, so that nothing is lost. Who asks for something else waits as long as everybody who asks for that. */
function actionForQueued({ differences, asksTheSame }: Declared): ApplyAction {
  if (differences.length === 0) return { action: 'unchanged' };
  const onlyPriority = differences.every(({ path }) => path.length === 1 && path[0] === 'priority');
  return onlyPriority ? { action: 'update', rolled: false } : { action: 'replace', keepsAge: asksTheSame };
}

/** What is being stopped comes back by the queue: there is nothing to be brought anywhere until then. */
function canBeRolled({ kind, isUpdatable }: Declared, present: Present): boolean {
  return kind === 'service' && present.kind === 'service' && isUpdatable && present.status !== 'stopping';
}
