/**
 * The ways to share one GPU device: Gilmore and Gomory's cutting patterns ("A Linear Programming Approach to the Cutting-Stock
 * Problem", Operations Research 9, 1961). With a column for each pattern, and not for each device, equal devices of a node cannot
 * be told apart, and the relaxation knows that three shares of 400 do not share one device.
 */

/** How many shares of each of the amounts stand on one device. */
export type Pattern = readonly number[];

/** More ways than this are not written out: null then. */
const manyPatterns = 2000;

/**
 * Every way to share a device of which so much is free in which nothing could be added. `amounts` are in thousandths, and of each
 * there are at most so many shares.
 */
export function patternsOf(amounts: readonly number[], most: readonly number[], free: number): Pattern[] | null {
  const order = amounts.map((_, i) => i).toSorted((a, b) => (amounts[b] ?? 0) - (amounts[a] ?? 0));
  const counts = amounts.map(() => 0);
  const found: Pattern[] = [];
  const isFull = (left: number) => amounts.every((amount, i) => amount > left || (counts[i] ?? 0) === (most[i] ?? 0));
  const fill = (from: number, left: number): boolean => {
    const next = order[from];
    if (next === undefined) {
      if (isFull(left)) found.push([...counts]);
      return found.length <= manyPatterns;
    }
    const amount = amounts[next] ?? 1;
    for (let count = Math.min(most[next] ?? 0, Math.floor(left / amount)); count >= 0; count--) {
      counts[next] = count;
      if (!fill(from + 1, left - count * amount)) return false;
    }
    return true;
  };
  return fill(0, free) ? found : null;
}
