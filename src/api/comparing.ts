/** What is declared beside what is there: what is to be done under each name. Decides and writes nothing. */
import type { z } from 'zod';
import { type ApplyAction, type ApplyOptions, actionFor } from '../core/apply.ts';
import type { Difference } from '../core/differences.ts';
import type { DeploymentRow } from '../store/deployments.ts';
import type { Actor, Scope } from '../store/scope.ts';
import type { NewDeployment } from '../store/submit.ts';
import { type FieldError, invalidFields } from './errors.ts';
import type { Comparison } from './schemas/apply.ts';
import { RevisionSpec } from './schemas/revisions.ts';
import { asksTheSame, changesBetween, specOfNew, specOfRow } from './spec.ts';
import { type DeploymentBody, newDeployment } from './submission.ts';

export type ComparisonAnswer = z.infer<typeof Comparison>;

export interface Comparing extends ApplyOptions {
  readonly scope: Scope;
  readonly actor: Actor;
  readonly fileSet: string;
}

/** One that is declared. */
export interface Declaration {
  readonly index: number;
  readonly body: DeploymentBody;
  readonly deployment: NewDeployment;
}

export interface Compared extends Declaration {
  readonly before: DeploymentRow | null;
  readonly decided: ApplyAction;
  readonly changes: readonly Difference[];
  /** Why it can not be done; null where it can. */
  readonly obstacle: string | null;
}

/**
 * Throws where a name is missing, or declared twice: names are what is compared by. Arrays are many under one name, and what waits for
 * others is done once they are over: both can be submitted, not declared.
 */
export function declarationsOf(bodies: readonly DeploymentBody[]): Declaration[] {
  const seen = new Map<string, number>();
  const errors: FieldError[] = [];
  for (const [index, { name, count, depends_on: needs }] of bodies.entries()) {
    const field = `deployments.${index}.name`;
    if (count > 1) {
      errors.push({
        field: `deployments.${index}.count`,
        message: 'must be 1: an array can be submitted, not applied',
      });
    }
    if (needs.length > 0) {
      const message = 'must be empty: what waits for others can be submitted, not applied';
      errors.push({ field: `deployments.${index}.depends_on`, message });
    }
    const first = name === undefined ? undefined : seen.get(name);
    if (name === undefined) errors.push({ field, message: 'is missing: what is applied is known by its name' });
    else if (first === undefined) seen.set(name, index);
    else errors.push({ field, message: `repeats the name of deployments.${first}` });
  }
  if (errors.length > 0) throw invalidFields(errors);
  return bodies.map((body, index) => ({ index, body, deployment: newDeployment(body) }));
}

/** What an update of a service can change: what a revision of it says. */
function isUpdatable(field: string): boolean {
  return Object.hasOwn(RevisionSpec.shape, field);
}

export function compare(declaration: Declaration, before: DeploymentRow | null, comparing: Comparing): Compared {
  const { deployment } = declaration;
  if (before === null) return { ...declaration, before, decided: { action: 'create' }, changes: [], obstacle: null };
  const after = specOfNew(deployment, comparing.scope, comparing.actor);
  const changes = changesBetween(specOfRow(before), after);
  const declared = {
    kind: deployment.kind,
    differences: changes,
    asksTheSame: asksTheSame(before, deployment),
    isUpdatable: changes.every(({ path }) => isUpdatable(path[0] ?? '')),
  };
  const present = { kind: before.kind, status: before.status, isLeaving: isLeaving(before) };
  if (!mayTake(before.file_set, comparing.fileSet)) {
    const obstacle = `it is declared in the file set "${before.file_set}", and not in "${comparing.fileSet}"`;
    return { ...declaration, before, decided: { action: 'conflict' }, changes, obstacle };
  }
  const decided = actionFor(declared, present, comparing);
  const obstacle = decided.action === 'conflict' ? `it is ${before.status}, and differs in ${fieldsOf(changes)}` : null;
  return { ...declaration, before, decided, changes, obstacle };
}

/** What was applied without a name for its set may be given one later. */
function mayTake(from: string | null, to: string): boolean {
  return from === to || from === 'default';
}

/** What stops for somebody more important, to leave a node, or to be tried again comes back. */
function isLeaving({ status, stop_intent: intent, retry, retries_used: used }: DeploymentRow): boolean {
  if (status !== 'stopping' || intent === 'preempted' || intent === 'drained') return false;
  return !((intent === 'replica_failed' || intent === 'time_limit') && used < (retry?.limit ?? 0));
}

function fieldsOf(changes: readonly Difference[]): string {
  return changes.map(({ path }) => path.join('.')).join(', ');
}

export function presentCompared({ index, deployment, before, decided, changes, obstacle }: Compared): ComparisonAnswer {
  return {
    index,
    name: deployment.name,
    action: decided.action,
    message: obstacle ?? messageOf(decided, before),
    keeps_age: decided.action === 'update' || (decided.action === 'replace' && decided.keepsAge),
    deployment_id: before?.id ?? null,
    status: before?.status ?? null,
    changes: presentChanges(changes),
  };
}

export function presentUndeclared(row: DeploymentRow): ComparisonAnswer {
  return {
    index: null,
    name: row.name,
    action: 'prune',
    message: `it is ${row.status}, and not declared any more`,
    keeps_age: false,
    deployment_id: row.id,
    status: row.status,
    changes: [],
  };
}

export function presentChanges(changes: readonly Difference[]): ComparisonAnswer['changes'] {
  return changes.map(({ path, from, to }) => ({
    field: path.join('.'),
    path: [...path],
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  }));
}

function messageOf(decided: ApplyAction, before: DeploymentRow | null): string {
  switch (decided.action) {
    case 'create':
      return 'nothing is there under this name';
    case 'unchanged':
      return `it is ${before?.status}, as declared`;
    case 'update':
      return decided.rolled
        ? `it is ${before?.status}, and is updated one replica after the other`
        : 'it is queued, and is changed where it is';
    case 'replace':
      return replacementOf(before, decided.keepsAge);
    case 'conflict':
      return 'it would have to be stopped';
  }
}

function replacementOf(before: DeploymentRow | null, keepsAge: boolean): string {
  switch (before?.status) {
    case 'queued':
      return keepsAge ? 'it is queued, and a new one takes its place' : 'it is queued, and a new one is queued instead';
    case 'starting':
    case 'running':
    case 'stopping':
      return `it is ${before.status}: it is stopped, and a new one is queued`;
    default:
      return `it has ${before?.status ?? 'gone'}, and is run again`;
  }
}
