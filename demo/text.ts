/** Pieces of text with a style, cut and padded by what is seen of them: escape sequences take no room. */
import pc from 'picocolors';

export type Style = 'plain' | 'dim' | 'bold' | 'good' | 'bad' | 'busy' | 'note';

export interface Piece {
  readonly text: string;
  readonly style: Style;
}

const paint: Record<Style, (text: string) => string> = {
  plain: (text) => text,
  dim: pc.dim,
  bold: pc.bold,
  good: pc.green,
  bad: pc.red,
  busy: pc.cyan,
  note: pc.yellow,
};

export function piece(text: string, style: Style = 'plain'): Piece {
  return { text, style };
}

/** Exactly `width` characters: cut with an ellipsis, or padded. */
export function column(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = cutTo(text, width);
  return align === 'left' ? cut.padEnd(width) : cut.padStart(width);
}

function cutTo(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** One line, at most `width` characters of it. */
export function lineOf(pieces: readonly Piece[], width: number): string {
  let left = width;
  let line = '';
  for (const { text, style } of pieces) {
    if (left <= 0) break;
    const seen = cutTo(text, left);
    left -= seen.length;
    line += paint[style](seen);
  }
  return line;
}

/** Seconds since the beginning, with one decimal. */
export function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}

/** Lines of at most `width` characters, broken between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
