/** Any value as a text that can be shown in an input: nothing for nothing, JSON for what has parts. */
export function plainText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? '';
}
