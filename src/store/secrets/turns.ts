/** More at once than can be worked off soon. The API answers 429. */
export class TooManyWaiting extends Error {
  readonly statusCode = 429;
}

/** Lets so many work at once, has so many wait in line, and turns the others away. */
export class Turns {
  readonly #limits: { readonly atOnce: number; readonly waiting: number };
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(limits: { atOnce: number; waiting: number }) {
    this.#limits = limits;
  }

  async take<T>(work: () => Promise<T>): Promise<T> {
    await this.#turn();
    try {
      return await work();
    } finally {
      // The turn goes to the next in line, or is given back.
      const next = this.#waiting.shift();
      if (next === undefined) this.#active -= 1;
      else next();
    }
  }

  async #turn(): Promise<void> {
    if (this.#active < this.#limits.atOnce) {
      this.#active += 1;
      return;
    }
    if (this.#waiting.length >= this.#limits.waiting) throw new TooManyWaiting('too many wait already');
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
