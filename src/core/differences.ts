/** How two plain values differ, field by field. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One field that is not the same; undefined where it is on one side only. */
export interface Difference {
  /** From the outside in. */
  readonly path: readonly string[];
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}

/**
 * The fields in which `to` is not what `from` is, in the order of their names. Mappings are compared key by key, lists as a whole:
 * one value put in front would else change all behind it.
 */
export function differences(from: Json | undefined, to: Json | undefined): Difference[] {
  return differencesAt([], from, to);
}

function differencesAt(path: readonly string[], from: Json | undefined, to: Json | undefined): Difference[] {
  if (!isMapping(from) || !isMapping(to)) return isEqual(from, to) ? [] : [{ path, from, to }];
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].toSorted();
  return keys.flatMap((key) => differencesAt([...path, key], valueAt(from, key), valueAt(to, key)));
}

type Mapping = { readonly [key: string]: Json };

function isMapping(value: Json | undefined): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is its own, not what every object has. */
function valueAt(mapping: Mapping, key: string): Json | undefined {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}

function isEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one: Json, i) => isEqual(one, b[i] as Json));
  }
  if (isMapping(a) && isMapping(b)) return differencesAt([], a, b).length === 0;
  return a === b;
}
