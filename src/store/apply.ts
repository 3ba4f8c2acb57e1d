/** Makes what is there what was declared, all of it or nothing, in one transaction. */
import type { Database, InTransaction } from './database.ts';
import { lockApplying, moveToSet, readDeclared, readUndeclared, release, succeed } from './declared.ts';
import { changePriorityIn, type DeploymentRow, readDeployments } from './deployments.ts';
import { specOfNew, updateIn } from './revisions.ts';
import type { Actor, Scope } from './scope.ts';
import { type NewDeployment, type SubmissionOutcome, submitDeployments } from './submit.ts';
import { cancelIn } from './transitions.ts';

/** What is to be done under one name. */
export interface Step {
  readonly action: 'create' | 'update' | 'replace' | 'unchanged';
  readonly deployment: NewDeployment;
  /** What is there now; null where nothing is. */
  readonly before: DeploymentRow | null;
  readonly keepsAge: boolean;
  /** It runs, and is brought there one replica after the other; else only its priority changes. */
  readonly rolled: boolean;
}

export interface Applying {
  readonly scope: Scope;
  readonly actor: Actor;
  readonly fileSet: string;
  readonly names: readonly string[];
  /** Withdraw or stop what the set has under other names. */
  readonly prune: boolean;
}

export interface Applied {
  /** As they are now, by id: what was made, changed, stopped or left alone. */
  readonly rows: ReadonlyMap<string, DeploymentRow>;
  readonly pruned: readonly DeploymentRow[];
}

type Refused = Exclude<SubmissionOutcome, { kind: 'accepted' }>;

/**
 * `decide` is given what is there under the names, locked, and says what is to be done; what it throws undoes everything. Who applies
 * to one organization takes turns, so that of two who apply the same the second finds it done.
 */
export async function apply(
  db: Database,
  applying: Applying,
  decide: (before: ReadonlyMap<string, DeploymentRow>) => readonly Step[],
  refuse: (outcome: Refused) => Error,
): Promise<Applied> {
  const { scope, names, fileSet } = applying;
  return db.transaction().execute(async (tx) => {
    await lockApplying(tx, scope);
    const steps = decide(await readDeclared(tx, scope, names, { lock: true }));
    const undeclared = applying.prune ? await readUndeclared(tx, scope, fileSet, names, { lock: true }) : [];
    await withdraw(tx, applying, undeclared);
    await takePlaces(tx, applying, steps, refuse);
    for (const step of steps) if (step.action === 'update') await updateOne(tx, applying, step);
    const ids = [
      ...steps.flatMap(({ before, deployment }) => [before?.id ?? deployment.id, deployment.id]),
      ...undeclared.map(({ id }) => id),
    ];
    return { rows: await readDeployments(tx, scope, ids), pruned: undeclared };
  });
}

/** The names are free afterwards, though some of those who had them may still be on their way out. */
async function withdraw(tx: InTransaction, { scope, actor }: Applying, rows: readonly DeploymentRow[]): Promise<void> {
  await release(
    tx,
    scope,
    rows.map(({ id }) => id),
  );
  // A conflict is no obstacle: it is over, or being stopped already.
  for (const { id } of rows) await cancelIn(tx, scope, id, actor);
}

async function takePlaces(
  tx: InTransaction,
  applying: Applying,
  steps: readonly Step[],
  refuse: (outcome: Refused) => Error,
): Promise<void> {
  const { scope, actor, fileSet } = applying;
  const replaced = steps.flatMap(({ action, before }) => (action === 'replace' && before !== null ? [before] : []));
  await withdraw(tx, applying, replaced);
  const made = steps.filter(({ action }) => action === 'create' || action === 'replace');
  if (made.length > 0) {
    const deployments = made.map(({ deployment }) => deployment);
    const [outcome] = await submitDeployments(tx, [{ scope, actor, deployments, idempotency: null }]);
    if (outcome === undefined) throw new Error('a submission has no outcome');
    if (outcome.kind !== 'accepted') throw refuse(outcome);
  }
  const kept = steps.flatMap(({ action, before }) =>
    action !== 'replace' && before !== null && before.file_set !== fileSet ? [before.id] : [],
  );
  await moveToSet(tx, scope, [...kept, ...made.map(({ deployment }) => deployment.id)], fileSet);
  for (const { before, deployment, keepsAge } of made) {
    if (before !== null) await succeed(tx, scope, before, { id: deployment.id, keepsAge }, actor);
  }
}

async function updateOne(tx: InTransaction, { scope, actor }: Applying, step: Step): Promise<void> {
  const { before, deployment, rolled } = step;
  if (before === null) return;
  const version = undefined;
  const outcome = rolled
    ? await updateIn(tx, scope, before.id, { version, change: () => specOfNew(deployment), why: 'applied' }, actor)
    : await changePriorityIn(tx, scope, before.id, { priority: deployment.priority, version }, actor);
  if (outcome.kind !== 'done') throw new Error(`a locked deployment could not be changed: ${outcome.kind}`);
}
