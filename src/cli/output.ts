import Table from 'cli-table3';
import pc from 'picocolors';
import type { Globals } from './session.ts';

const plain = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '   ',
};

/** Columns without lines between them, as kubectl writes them. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const made = new Table({
    head: head.map((title) => pc.dim(title.toUpperCase())),
    chars: plain,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  made.push(...rows.map((row) => row.map((cell) => (cell === null ? '-' : String(cell)))));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** With `--json` the whole document, and nothing else; without it what `text` makes of it. */
export function print<T>(globals: Globals, document: T, text: (document: T) => string): void {
  console.log(globals.json === true ? JSON.stringify(document, null, 2) : text(document));
}

/** A sentence about what was done: not with `--json` or `--quiet`. */
export function say(globals: Globals, message: string): void {
  if (globals.json !== true && globals.quiet !== true) console.log(message);
}

const colors: Record<string, (text: string) => string> = {
  queued: pc.yellow,
  pending: pc.yellow,
  starting: pc.cyan,
  running: pc.green,
  stopping: pc.cyan,
  succeeded: pc.green,
  failed: pc.red,
  cancelled: pc.dim,
  skipped: pc.dim,
};

export function status(text: string): string {
  return (colors[text] ?? ((same: string) => same))(text);
}
