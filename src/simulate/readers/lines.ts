import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { unreadable } from '../input-error.ts';

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** The lines of a file, one after the other, so that it need not fit into memory; of a gzip file, those of what is in it. */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  const text = await openText(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  let number = 0;
  try {
    for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      // Some programs begin a text with a mark of its byte order.
      yield { number, text: number === 1 ? line.replace(/^\uFEFF/, '') : line };
    }
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    text.destroy();
  }
}

async function openText(path: string): Promise<Readable> {
  const file = await open(path);
  const head = Buffer.alloc(2);
  try {
    await file.read(head, 0, 2, 0);
  } finally {
    await file.close();
  }
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  const text = new PassThrough();
  const source = createReadStream(path);
  // What goes wrong is thrown to whoever reads the text.
  (isGzip ? pipeline(source, createGunzip(), text) : pipeline(source, text)).catch(() => undefined);
  return text;
}

/** The first line that is not blank; null where there is none. */
export async function firstLine(path: string): Promise<string | null> {
  for await (const { text } of linesOf(path)) if (text.trim() !== '') return text;
  return null;
}
