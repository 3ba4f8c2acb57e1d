/** Several streams of lines as one. */

/** In the order of their times, where all of it is there already; lines of one moment in the order of the sources. */
export async function* byTime<T extends { readonly at: number }>(
  sources: readonly AsyncIterator<T>[],
): AsyncGenerator<T> {
  /** The next of each source, the latest first: the earliest is taken from the end. */
  const heads: Head<T>[] = [];
  const advance = async (source: AsyncIterator<T>, rank: number) => {
    const next = await source.next();
    if (next.done === true) return;
    const head = { item: next.value, source, rank };
    heads.splice(placeOf(heads, head), 0, head);
  };
  try {
    for (const [rank, source] of sources.entries()) await advance(source, rank);
    for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
      yield head.item;
      await advance(head.source, head.rank);
    }
  } finally {
    for (const source of sources) await source.return?.();
  }
}

interface Head<T> {
  readonly item: T;
  readonly source: AsyncIterator<T>;
  readonly rank: number;
}

/** Before all that come earlier: by halving. */
function placeOf<T extends { readonly at: number }>(heads: readonly Head<T>[], head: Head<T>): number {
  let [low, high] = [0, heads.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = heads[middle] as Head<T>;
    const isLater = other.item.at > head.item.at || (other.item.at === head.item.at && other.rank > head.rank);
    if (isLater) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** As they come. A source is asked for its next once its last was taken: whoever reads slowly keeps all of them waiting. */
export async function* asTheyCome<T>(sources: readonly AsyncIterator<T>[]): AsyncGenerator<T> {
  const come: { source: AsyncIterator<T>; next: Promise<IteratorResult<T>> }[] = [];
  let wake: (() => void) | null = null;
  const ask = (source: AsyncIterator<T>) => {
    const next = source.next();
    const arrived = () => {
      come.push({ source, next });
      wake?.();
    };
    next.then(arrived, arrived);
  };
  for (const source of sources) ask(source);
  let open = sources.length;
  while (open > 0) {
    const first = come.shift();
    if (first === undefined) {
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    const next = await first.next;
    if (next.done === true) {
      open -= 1;
      continue;
    }
    yield next.value;
    ask(first.source);
  }
}
