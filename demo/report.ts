/** The end of the demo: what ran when and why in that order, and whether that is as it must be. */
import type { Deployment } from './client.ts';
import { beginningOf } from './screen.ts';
import type { Part } from './script.ts';
import type { Outcome } from './story.ts';
import { column, lineOf, type Piece, piece, seconds, wrap } from './text.ts';
import { type Admission, admissionsOf, type Check, isBefore } from './verdict.ts';

/** In the order in which they were admitted. */
export function timetable(parts: readonly Part[], outcome: Outcome, width: number): string[] {
  const admissions = admissionsOf(outcome.sight);
  const beganAt = beginningOf(outcome.sight);
  const rows = [...outcome.sight.deployments.values()]
    .toSorted((a, b) => compareAdmissions(admissions.get(a.name), admissions.get(b.name)))
    .flatMap((one) => row(one, admissions.get(one.name), beganAt));
  const refused = parts.flatMap((part) => {
    const problem = outcome.refused.get(part.name);
    if (problem === undefined) return [];
    const [first = '', ...more] = wrap(`refused (${problem.status}): ${problem.detail}`, Math.max(width, 80) - 13);
    const head = [piece(` ${column(part.name, 11)} `, 'bold'), piece(first)];
    return [head, ...more.map((line) => [piece(`${' '.repeat(13)}${line}`)])];
  });
  return [header(), ...rows, ...refused].map((line) => lineOf(line, Math.max(width, 80)));
}

function header(): Piece[] {
  const titles = ['prio', 'queued', 'admitted', 'started', 'ended', 'waited'].map((title) => column(title, 9, 'right'));
  return [piece(` ${column('', 11)}${titles.join('')}  result`, 'dim')];
}

function compareAdmissions(a: Admission | undefined, b: Admission | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return isBefore(a, b) ? -1 : 1;
}

function row(one: Deployment, admission: Admission | undefined, beganAt: number): Piece[][] {
  const at = (time: string | null) => column(time === null ? '-' : seconds(Date.parse(time) - beganAt), 9, 'right');
  const waited = one.admitted_at === null ? '-' : seconds(Date.parse(one.admitted_at) - Date.parse(one.queued_at));
  const times = [one.queued_at, one.admitted_at, one.started_at, one.finished_at].map(at).join('');
  return [
    [
      piece(` ${column(one.name, 11)}`, 'bold'),
      piece(column(String(one.priority), 9, 'right')),
      piece(`${times}${column(waited, 9, 'right')}  `),
      piece(one.status, one.status === 'succeeded' ? 'good' : 'bad'),
    ],
    [piece(`   ${whyThen(admission)}; ${one.reason ?? ''}`, 'dim')],
  ];
}

function whyThen(admission: Admission | undefined): string {
  if (admission === undefined) return 'never admitted';
  const reasons = [
    admission.firstPass ? 'at once' : 'when there was room',
    ...(admission.backfilled ? ['by backfill'] : []),
    ...(admission.promoted ? [`counting as ${admission.effectivePriority} by its age`] : []),
  ];
  return reasons.join(', ');
}

/** One line for each subject, with all that was checked of it. */
export function checklist(checks: readonly Check[], width: number): string[] {
  const subjects = [...new Set(checks.map((one) => one.subject))];
  return subjects.map((subject) => {
    const mine = checks.filter((one) => one.subject === subject);
    const ok = mine.every((one) => one.ok);
    const pieces = mine.map((one, i) => {
      const text = one.ok ? one.what : `${one.what} (found: ${one.found})`;
      return piece(i === 0 ? text : ` · ${text}`, one.ok ? 'plain' : 'bad');
    });
    const mark = piece(ok ? ' ✓ ' : ' ✗ ', ok ? 'good' : 'bad');
    return lineOf([mark, piece(column(subject, 12), 'bold'), ...pieces], Math.max(width, 80));
  });
}
