/** Reads a trace of any format that there is; which one is seen by its name, else by its first line. */
import { InputError } from '../input-error.ts';
import { type Trace, type TraceFormat, traceFormats } from '../trace.ts';
import { readHistory } from './history.ts';
import { firstLine } from './lines.ts';
import { type OpenbOptions, readOpenb } from './openb.ts';
import { readSwf, type SwfOptions } from './swf.ts';

export interface ReadOptions extends SwfOptions, OpenbOptions {
  /** Null: as the file looks. */
  readonly format: TraceFormat | null;
}

export async function readTrace(path: string, options: ReadOptions): Promise<Trace> {
  const format = options.format ?? formatByName(path) ?? formatByLine(path, await firstLine(path));
  switch (format) {
    case 'hvtrace':
      return readHistory(path);
    case 'swf':
      return readSwf(path, options);
    case 'openb':
      return readOpenb(path, options);
  }
}

function formatByName(path: string): TraceFormat | null {
  const name = path.toLowerCase().replace(/\.gz$/, '');
  if (name.endsWith('.hvtrace.jsonl')) return 'hvtrace';
  return name.endsWith('.swf') ? 'swf' : null;
}

function formatByLine(path: string, line: string | null): TraceFormat {
  if (line?.startsWith('{') === true) return 'hvtrace';
  if (line?.startsWith(';') === true || /^\s*-?\d+(\s+-?[\d.]+){17}\s*$/.test(line ?? '')) return 'swf';
  if (line?.includes('cpu_milli') === true) return 'openb';
  throw new InputError(`${path} is of no known format`, [
    `Its first line is that of none of ${traceFormats.join(', ')}; name the format with --format.`,
  ]);
}
