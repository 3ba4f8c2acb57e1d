/** Whether all went as the example file says it must. */
import type { Deployment, Event } from './client.ts';
import type { Sight } from './observe.ts';
import type { Expectation, Part } from './script.ts';
import type { Outcome } from './story.ts';

export interface Check {
  readonly subject: string;
  readonly what: string;
  readonly ok: boolean;
  /** What was found instead; empty where it is as it must be. */
  readonly found: string;
}

/** How one deployment was admitted, as its event tells. */
export interface Admission {
  readonly at: number;
  readonly position: number;
  readonly effectivePriority: number;
  readonly promoted: boolean;
  readonly backfilled: boolean;
  /** Nothing had been admitted before the pass that admitted it. */
  readonly firstPass: boolean;
}

export function admissionsOf(sight: Sight): Map<string, Admission> {
  const names = new Map([...sight.deployments.values()].map((one) => [one.id, one.name]));
  const events = sight.events.filter((event) => event.type === 'deployment.admitted');
  const first = Math.min(...events.map((event) => Date.parse(event.created_at)));
  return new Map(events.map((event) => [names.get(event.deployment_id ?? '') ?? '', admissionOf(event, first)]));
}

function admissionOf(event: Event, first: number): Admission {
  const at = Date.parse(event.created_at);
  return {
    at,
    position: Number(event.data['position']),
    effectivePriority: Number(event.data['effective_priority']),
    promoted: event.data['promoted'] === true,
    backfilled: event.data['backfilled'] === true,
    firstPass: at === first,
  };
}

export function judge(parts: readonly Part[], outcome: Outcome): Check[] {
  const admissions = admissionsOf(outcome.sight);
  const { allocated } = outcome.sight.cluster.resources;
  const held = allocated.ram + allocated.cpu + allocated.gpu;
  return [
    ...parts.flatMap((part) => judgePart(part, outcome, admissions)),
    check('cluster', 'allocated + available = total, whenever looked', outcome.imbalances[0] ?? '', ''),
    check('cluster', 'nothing is held at the end', held, 0),
  ];
}

function judgePart(part: Part, outcome: Outcome, admissions: ReadonlyMap<string, Admission>): Check[] {
  const { expectation, name } = part;
  if (expectation.refused !== undefined) {
    const found = outcome.refused.get(name)?.code ?? 'accepted';
    return [check(name, `refused: ${expectation.refused}`, found, expectation.refused)];
  }
  const deployment = outcome.sight.deployments.get(name);
  if (deployment === undefined) return [{ subject: name, what: 'submitted', ok: false, found: 'missing' }];
  return [
    ...judgeEnd(name, deployment, expectation),
    ...judgeAdmission(name, admissions.get(name), expectation),
    ...(expectation.before ?? []).map((other) => judgeOrder(name, other, admissions)),
  ];
}

function judgeEnd(name: string, deployment: Deployment, expected: Expectation): Check[] {
  return [
    ...expecting(name, '', deployment.status, expected.status),
    ...expecting(name, 'reason ', deployment.reason_code, expected.reason_code),
    ...expecting(name, 'exit code ', deployment.exit_code, expected.exit_code),
  ];
}

function judgeAdmission(name: string, admission: Admission | undefined, expected: Expectation): Check[] {
  return [
    ...expecting(name, 'had to wait', admission && !admission.firstPass, expected.waited),
    ...expecting(name, 'promoted by age', admission?.promoted, expected.promoted),
    ...expecting(name, 'backfilled', admission?.backfilled, expected.backfilled),
  ];
}

function judgeOrder(name: string, other: string, admissions: ReadonlyMap<string, Admission>): Check {
  const mine = admissions.get(name);
  const theirs = admissions.get(other);
  const before = mine !== undefined && theirs !== undefined && isBefore(mine, theirs);
  return { subject: name, what: `before ${other}`, ok: before, found: before ? '' : 'not before it' };
}

/** By pass, and within one pass by the order of the scheduler. */
export function isBefore(a: Admission, b: Admission): boolean {
  return a.at === b.at ? a.position < b.position : a.at < b.at;
}

function expecting<T>(subject: string, label: string, found: T, expected: T | undefined): Check[] {
  if (expected === undefined) return [];
  const what = typeof expected === 'boolean' ? `${expected ? '' : 'not '}${label}` : `${label}${String(expected)}`;
  return [check(subject, what, found, expected)];
}

function check<T>(subject: string, what: string, found: T, expected: T): Check {
  const ok = found === expected;
  return { subject, what, ok, found: ok ? '' : String(found) };
}
