/** Labels as people write them: `name=value`, one in a line. */

export function writeLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');
}

/** What has to be set and, by null, taken away to make `before` what the text says; or which line can't be read. */
export function changeOfLabels(
  before: Readonly<Record<string, string>>,
  text: string,
): { readonly changes: Readonly<Record<string, string | null>> } | { readonly wrong: string } {
  const wanted = new Map<string, string>();
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue;
    const at = line.indexOf('=');
    if (at < 1) return { wrong: line };
    wanted.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  const gone = Object.keys(before).filter((name) => !wanted.has(name));
  const set = [...wanted].filter(([name, value]) => before[name] !== value);
  return { changes: Object.fromEntries([...gone.map((name) => [name, null] as const), ...set]) };
}
