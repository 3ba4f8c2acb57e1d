/** What stands in an address after the `?`: typed by anybody, so that each page takes what it knows and drops the rest. */

/** A validator that keeps these parameters, as texts. */
export function textsOf<const Name extends string>(...names: readonly Name[]) {
  return (search: Record<string, unknown>): { [Key in Name]?: string | undefined } => {
    const kept: { [Key in Name]?: string | undefined } = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === 'string' || typeof value === 'number') kept[name] = String(value);
    }
    return kept;
  };
}

/** One of these, or nothing. */
export function oneOf<const Value extends string>(value: unknown, values: readonly Value[]): Value | undefined {
  return values.find((one) => one === value);
}
