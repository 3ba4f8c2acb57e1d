import type { z } from 'zod';
import type { RevisionSpec } from '../store/tables.ts';
import type { RevisionDiff } from './schemas/revisions.ts';

type Change = z.infer<typeof RevisionDiff>['changes'][number];
type Value = Change['before'];

/** What differs between two revisions, field by field, and variable by variable. */
export function revisionChanges(before: RevisionSpec, after: RevisionSpec): Change[] {
  const [a, b] = [flat(before), flat(after)];
  const fields = [...new Set([...a.keys(), ...b.keys()])];
  return fields.flatMap((field) => {
    const change = { field, before: a.get(field) ?? null, after: b.get(field) ?? null };
    return JSON.stringify(change.before) === JSON.stringify(change.after) ? [] : [change];
  });
}

function flat({ env, ...fields }: RevisionSpec): Map<string, Value> {
  const variables = Object.entries(env)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]): [string, Value] => [`env.${name}`, value]);
  return new Map<string, Value>([...Object.entries(fields), ...variables]);
}
