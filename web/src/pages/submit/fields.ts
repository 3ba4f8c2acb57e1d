import { createContext, useContext } from 'react';
import type { Path } from './check-schema.ts';
import type { DraftProblem, Fields } from './draft.ts';

/** The document that the form shows, and how it is changed. */
interface DraftFields {
  readonly fields: Fields;
  readonly set: (path: Path, value: unknown) => void;
  /** What is wrong with a field, or with something inside of it. */
  readonly problemAt: (...path: Path) => string | undefined;
}

const Context = createContext<DraftFields | null>(null);
export const DraftFieldsProvider = Context.Provider;

export function useDraftFields(): DraftFields {
  const found = useContext(Context);
  if (found === null) throw new Error('the form has no draft');
  return found;
}

/** The value of a nested field, as it was typed. */
export function valueAt(fields: Fields, path: Path): unknown {
  return path.reduce<unknown>((of, part) => (isFields(of) ? of[part] : undefined), fields);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first problem at this place, and inside of it where exactly. */
export function problemIn(problems: readonly DraftProblem[], path: Path): string | undefined {
  const found = problems.find((problem) => path.every((part, index) => problem.path[index] === part));
  if (found === undefined) return undefined;
  const inside = found.path.slice(path.length).map((part) => (typeof part === 'number' ? part + 1 : part));
  return inside.length === 0 ? found.message : `${inside.join(' ')} ${found.message}`;
}
