/** A command as one types it in a shell, and as the words that it consists of. */

const word = /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)|([^\s"'\\]+)/y;

/** Words between spaces; quotes keep spaces together. Null where a quote does not end. */
export function splitWords(text: string): string[] | null {
  const words: string[] = [];
  let current: string | null = null;
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text.charAt(at))) {
      if (current !== null) words.push(current);
      current = null;
      at += 1;
      continue;
    }
    word.lastIndex = at;
    const match = word.exec(text);
    if (match === null) return null;
    const [all, double, single, escaped, plain] = match;
    current = (current ?? '') + (double?.replaceAll(/\\(["\\])/g, '$1') ?? single ?? escaped ?? plain ?? '');
    at += all.length;
  }
  if (current !== null) words.push(current);
  return words;
}

/** The other way: what `splitWords` makes the same words of. */
export function joinWords(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(one: string): string {
  if (/^[\w@%+=:,./-]+$/.test(one)) return one;
  if (!one.includes("'")) return `'${one}'`;
  return `"${one.replaceAll(/(["\\])/g, '\\$1')}"`;
}
