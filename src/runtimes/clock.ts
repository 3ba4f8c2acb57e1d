/** Time as the simulated runtime sees it: the machine's, or one that a test turns by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after so many milliseconds. The function that it returns calls it off. */
  after(ms: number, run: () => void): () => void;
}

export const realClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    // Unreferenced: a container that is only simulated keeps no process alive.
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};

interface Timer {
  readonly at: number;
  readonly run: () => void;
  isOff: boolean;
}

/** Stands still until it is advanced; what is due on the way runs in the order of its time, then of its setting. */
export class VirtualClock implements Clock {
  #now: number;
  /** The next one is last: it is taken without moving the others. */
  readonly #timers: Timer[] = [];

  constructor(startAt = 0) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), run, isOff: false };
    this.#timers.splice(this.#placeOf(timer.at), 0, timer);
    return () => {
      timer.isOff = true;
    };
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#timers.at(-1); next !== undefined && next.at <= end; next = this.#timers.at(-1)) {
      this.#timers.pop();
      if (next.isOff) continue;
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }

  /** Before those of the same time, which were set earlier and so are due earlier. */
  #placeOf(at: number): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle]?.at ?? 0) > at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
