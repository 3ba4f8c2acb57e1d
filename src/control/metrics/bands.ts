/** Bands of effective priority: a label has few values, and 1 to 100 would make a series each. */
const upTo = [10, 25, 50, 75, 100] as const;

export const bands: readonly string[] = upTo.map((last, b) => `${(upTo[b - 1] ?? 0) + 1}-${last}`);

export function bandOf(priority: number): string {
  const band = bands[upTo.findIndex((last) => priority <= last)];
  return band ?? `${bands.at(-1)}`;
}
