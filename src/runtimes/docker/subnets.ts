/** Addresses of private networks. The engine's own pools hold 31 networks; ours are as small as they may be, out of one range. */

/** Private addresses that the engine's own pools leave alone. */
export const defaultNetworkRange = '10.199.0.0/16';

/** A block of IPv4 addresses, as numbers. */
export interface Block {
  readonly first: number;
  /** A power of two. */
  readonly size: number;
}

/** The network itself, its gateway and its broadcast address are nobody's. */
const reserved = 3;
/** /28: 13 containers. */
const leastSize = 16;

/** Reads "10.199.0.0/16". Null for what is no block of IPv4 addresses, or begins in the middle of one. */
export function parseBlock(text: string): Block | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (match === null) return null;
  const [a = 0, b = 0, c = 0, d = 0, length = 0] = match.slice(1).map(Number);
  if (Math.max(a, b, c, d) > 255 || length > 32) return null;
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  const size = 2 ** (32 - length);
  return first % size === 0 ? { first, size } : null;
}

export function formatBlock({ first, size }: Block): string {
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${parts.join('.')}/${32 - Math.log2(size)}`;
}

export function overlaps(a: Block, b: Block): boolean {
  return a.first < b.first + b.size && b.first < a.first + a.size;
}

/**
 * A block of the range that is large enough for so many containers and overlaps with none of those in use. Looks from a place
 * that `seed` says, so that those who look at once mostly find different ones. Null where none is free.
 */
export function freeBlock(range: Block, members: number, used: readonly Block[], seed: number): Block | null {
  const size = Math.max(leastSize, 2 ** Math.ceil(Math.log2(members + reserved)));
  const places = Math.floor(range.size / size);
  const near = used.filter((block) => overlaps(block, range));
  for (let step = 0; step < places; step += 1) {
    const block = { first: range.first + ((seed + step) % places) * size, size };
    if (!near.some((one) => overlaps(one, block))) return block;
  }
  return null;
}
