/**
 * A long list kept in order: what is added goes to its place, and who is before what is counted without looking at all. Items
 * stand in chunks of bounded length, so that a change moves few of them (a B+ tree of two levels: Knuth, TAOCP vol. 3, 6.2.4).
 */

const chunkMax = 512;

export class OrderedList<Item> {
  readonly #compare: (a: Item, b: Item) => number;
  /** None of them is empty. */
  readonly #chunks: Item[][] = [];
  #size = 0;

  constructor(compare: (a: Item, b: Item) => number) {
    this.#compare = compare;
  }

  /** Fills an empty list. `sorted` must be in order, no two of its items equal. */
  fill(sorted: readonly Item[]): void {
    // Half full: what is added later finds room.
    for (let start = 0; start < sorted.length; start += chunkMax / 2) {
      this.#chunks.push(sorted.slice(start, start + chunkMax / 2));
    }
    this.#size = sorted.length;
  }

  get size(): number {
    return this.#size;
  }

  first(): Item | undefined {
    return this.#chunks[0]?.[0];
  }

  add(item: Item): void {
    this.#size++;
    const number = Math.min(this.#chunkOf(item), this.#chunks.length - 1);
    const chunk = this.#chunks[number];
    if (chunk === undefined) {
      this.#chunks.push([item]);
      return;
    }
    chunk.splice(
      prefix(chunk, (other) => this.#compare(other, item) < 0),
      0,
      item,
    );
    if (chunk.length > chunkMax) this.#chunks.splice(number + 1, 0, chunk.splice(this.#cut(number)));
  }

  /** False where there is no equal one. */
  remove(item: Item): boolean {
    const number = this.#chunkOf(item);
    const chunk = this.#chunks[number];
    if (chunk === undefined) return false;
    const at = prefix(chunk, (other) => this.#compare(other, item) < 0);
    const found = chunk[at];
    if (found === undefined || this.#compare(found, item) !== 0) return false;
    chunk.splice(at, 1);
    if (chunk.length === 0) this.#chunks.splice(number, 1);
    this.#size--;
    return true;
  }

  /** How many stand at the beginning for which this holds. It must hold for none after the first for which it does not. */
  countWhile(holds: (item: Item) => boolean): number {
    const whole = prefix(this.#chunks, (chunk) => holds(chunk.at(-1) as Item));
    let count = 0;
    for (let i = 0; i < whole; i++) count += this.#chunks[i]?.length ?? 0;
    return count + prefix(this.#chunks[whole] ?? [], holds);
  }

  /** Those from `start` up to, not including, `end`. */
  slice(start: number, end: number): Item[] {
    const found: Item[] = [];
    let before = 0;
    for (const chunk of this.#chunks) {
      if (before >= end) break;
      if (before + chunk.length > start) {
        for (let i = Math.max(0, start - before); i < chunk.length && before + i < end; i++)
          found.push(chunk[i] as Item);
      }
      before += chunk.length;
    }
    return found;
  }

  /** The first chunk that could hold the item. */
  #chunkOf(item: Item): number {
    return prefix(this.#chunks, (chunk) => this.#compare(chunk.at(-1) as Item, item) < 0);
  }

  /** Lists mostly grow at their end: the last chunk is left nearly full, others are halved. */
  #cut(number: number): number {
    return number === this.#chunks.length - 1 ? chunkMax - 8 : chunkMax / 2;
  }
}

/** How many at the beginning of a list it holds for, by halving. */
function prefix<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(items[middle] as Item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
