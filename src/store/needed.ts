/** Which of several deployments can't be deleted, because others wait for them. */
import type { DependentRow } from './dependencies.ts';
import type { Needed } from './transitions.ts';

/** As many names as the answer for a single one has. */
const namesMax = 10;

/**
 * Those of `ids` that somebody waits for who stays. Whoever is deleted along with what it waits for needs it no more; but who can't be
 * deleted stays, and so does what that one waits for.
 */
export function neededOf(ids: readonly string[], dependents: readonly DependentRow[]): Map<string, Needed> {
  const leaving = new Set(ids);
  const needed = new Map<string, Needed>();
  for (;;) {
    const namesOf = new Map<string, Set<string>>();
    for (const { upstreamId, id, name } of dependents) {
      if (!leaving.has(upstreamId) || leaving.has(id)) continue;
      const names = namesOf.get(upstreamId) ?? new Set();
      namesOf.set(upstreamId, names.add(name));
    }
    if (namesOf.size === 0) return needed;
    for (const [id, names] of namesOf) {
      leaving.delete(id);
      needed.set(id, { kind: 'needed', names: [...names].slice(0, namesMax), count: names.size });
    }
  }
}
