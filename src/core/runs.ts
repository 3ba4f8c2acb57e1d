/**
 * How long deployments really run, learned from those of the same user: the mean of the latest two, which is as good as much more
 * elaborate guesses (Tsafrir, Etsion and Feitelson, "Backfilling Using System-Generated Predictions", IEEE TPDS 18(6), 2007).
 * What is expected only decides who goes first; what is promised to others rests on declared time limits alone.
 */
import type { QueuedDeployment } from './model.ts';

const remembered = 2;

export class Runs {
  /** By user: in milliseconds, the latest first. */
  readonly #byUser = new Map<string, readonly number[]>();

  constructor(known: Readonly<Record<string, readonly number[]>>) {
    for (const [user, runs] of Object.entries(known)) this.#byUser.set(user, runs.slice(0, remembered));
  }

  /** One of a user's deployments has ended by itself, after so many milliseconds. */
  learn(user: string, run: number): void {
    this.#byUser.set(user, [Math.max(0, run), ...(this.#byUser.get(user) ?? [])].slice(0, remembered));
  }

  /**
   * Milliseconds; the declared limit while too little is known and for services, which run until they are stopped, and never
   * more than it. Infinite where nothing says.
   */
  expected({ user, timeLimit, isService }: Pick<QueuedDeployment, 'user' | 'timeLimit' | 'isService'>): number {
    const limit = timeLimit ?? Number.POSITIVE_INFINITY;
    const runs = user === undefined || isService === true ? undefined : this.#byUser.get(user);
    if (runs === undefined || runs.length < remembered) return limit;
    return Math.min(limit, runs.reduce((sum, run) => sum + run, 0) / runs.length);
  }

  get known(): Record<string, readonly number[]> {
    return Object.fromEntries(this.#byUser);
  }
}
