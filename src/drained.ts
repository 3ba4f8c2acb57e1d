import type { Writable } from 'node:stream';

/** Resolves once more may be written to it, or nobody reads from it any more. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      stream.off('drain', settle);
      stream.off('close', settle);
      resolve();
    };
    stream.once('drain', settle);
    stream.once('close', settle);
    if (stream.destroyed) settle();
  });
}
