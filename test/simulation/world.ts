/**
 * The simulated world: its time, its dice and its trace. Whatever happens is a timer of one clock; between two of them everything
 * that follows from the first is let come to rest. The same seed thus gives the same history.
 */
import { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import FakeTimers from '@sinonjs/fake-timers';
import { randomOf } from '../../src/simulate/random.ts';

// Kept before time is replaced: the real database answers in real time.
const realImmediate = setImmediate;
const realTimeout = setTimeout;

export const turnOfEventLoop = () => new Promise<void>((resolve) => realImmediate(resolve));
export const realSleep = (ms: number) => new Promise<void>((resolve) => realTimeout(resolve, ms));

/** When every history begins. */
const epoch = Date.UTC(2026, 0, 1);
const replaced = ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date', 'performance'] as const;

/** What is really under way outside, and may take real time: the statements of the database. */
export interface Outside {
  /** Resolves once all of it has answered, or waits for something that only another event can bring about. */
  settle(): Promise<void>;
}

export class World {
  readonly #clock = FakeTimers.install({ now: epoch, toFake: [...replaced] });
  readonly #random: () => number;
  readonly #hash = createHash('sha1');
  readonly #trace: string[] | null;
  readonly #outside: Outside;
  /** The database's clock may be ahead of the others, or behind. */
  databaseAheadMs = 0;
  /** And so may the engine's. */
  engineAheadMs = 0;
  events = 0;

  constructor(seed: number, outside: Outside, options: { trace: boolean }) {
    this.#random = randomOf(seed);
    this.#outside = outside;
    this.#trace = options.trace ? [] : null;
    // What was imported by name from node:timers/promises sees the replacement only then.
    syncBuiltinESMExports();
  }

  /** Milliseconds since the beginning, by a clock that does not jump. */
  get now(): number {
    return this.#clock.now - epoch;
  }

  get databaseTime(): number {
    return this.#clock.now + this.databaseAheadMs;
  }

  get engineTime(): number {
    return Math.floor(this.#clock.now + this.engineAheadMs);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }

  between(least: number, most: number): number {
    return least + this.#random() * (most - least);
  }

  pick<T>(all: readonly T[]): T | undefined {
    return all[Math.floor(this.#random() * all.length)];
  }

  after(ms: number, what: () => void): void {
    this.#clock.setTimeout(what, ms);
  }

  /** One line of the history. */
  note(line: string): void {
    const text = `${this.now.toFixed(0)} ${line}`;
    this.#hash.update(text);
    this.#trace?.push(text);
  }

  /** Lets the next event happen, and all that follows from it at once. */
  async step(): Promise<void> {
    this.events += 1;
    this.#clock.next();
    await turnOfEventLoop();
    await this.#outside.settle();
  }

  /** Gives the real time back. What is still to happen never does. */
  end(): { readonly hash: string; readonly trace: readonly string[] } {
    this.#clock.uninstall();
    syncBuiltinESMExports();
    return { hash: this.#hash.digest('hex'), trace: this.#trace ?? [] };
  }
}
