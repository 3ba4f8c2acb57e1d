import type { PassResult } from '../../../../../src/sdk/types.gen.ts';

/** Names of those who start, now or when others are gone, by one plan and not by the other. */
export function compareResults(
  current: Pick<PassResult, 'decisions'>,
  changed: Pick<PassResult, 'decisions'>,
): { readonly gained: readonly string[]; readonly lost: readonly string[] } {
  const before = starting(current);
  const after = starting(changed);
  return { gained: missingIn(before, after), lost: missingIn(after, before) };
}

function starting({ decisions }: Pick<PassResult, 'decisions'>): ReadonlyMap<string, string> {
  const chosen = decisions.filter(({ decision }) => decision !== 'wait');
  return new Map(chosen.map(({ deployment_id: id, name }) => [id, name]));
}

function missingIn(there: ReadonlyMap<string, string>, all: ReadonlyMap<string, string>): string[] {
  return [...all].filter(([id]) => !there.has(id)).map(([, name]) => name);
}
