import { createHash } from 'node:crypto';
import type { TableTotal } from './contents.ts';

const newline = 0x0a;
const modulus = 2n ** 128n;

/**
 * Counts the rows of a table, and sums up their hashes: the same for the same rows in any order, since no two servers need store them in
 * one. In COPY's text format a line break ends a row, and nothing else.
 */
export class RowSum {
  #rows = 0;
  #sum = 0n;
  #rest: Buffer = Buffer.alloc(0);

  get rows(): number {
    return this.#rows;
  }

  add(data: Buffer): void {
    const text = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let from = 0;
    for (let end = text.indexOf(newline); end !== -1; end = text.indexOf(newline, from)) {
      const hash = createHash('sha256').update(text.subarray(from, end)).digest();
      this.#sum = (this.#sum + (hash.readBigUInt64LE(0) << 64n) + hash.readBigUInt64LE(8)) % modulus;
      this.#rows += 1;
      from = end + 1;
    }
    this.#rest = text.subarray(from);
  }

  total(): TableTotal {
    if (this.#rest.length > 0) throw new Error('the data ends within a row');
    return { rows: this.#rows, sum: this.#sum.toString(16).padStart(32, '0') };
  }
}
