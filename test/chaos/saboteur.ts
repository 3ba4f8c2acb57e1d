/** Lets something go wrong every few seconds, mostly one thing at a time, and sometimes the next before the last is mended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Drawn, kinds, type Ruins } from './faults.ts';

const pauseMsMin = 800;
const pauseMsMax = 4500;

export class Saboteur {
  readonly #ruins: Ruins;
  readonly #random: () => number;
  readonly #tell: (what: string) => void;
  readonly #busy = new Set<string>();
  readonly #underWay = new Set<Promise<void>>();
  /** How often what happened. */
  readonly counts = new Map<string, number>();

  constructor(ruins: Ruins, random: () => number, tell: (what: string) => void) {
    this.#ruins = ruins;
    this.#random = random;
    this.#tell = tell;
  }

  /** Resolves when the time is up and all that it did has passed. Whatever was aborted is mended, too. */
  async work(ms: number, signal: AbortSignal): Promise<void> {
    const until = performance.now() + ms;
    while (performance.now() < until && !signal.aborted) {
      await sleep(pauseMsMin + this.#random() * (pauseMsMax - pauseMsMin));
      const kind = this.#drawKind();
      const drawn = kinds[kind]!.draw(this.#ruins, this.#random);
      if (drawn.to.some((one) => this.#busy.has(one))) continue;
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      this.#tell(drawn.what);
      this.#begin(drawn);
    }
    await Promise.all(this.#underWay);
  }

  #begin({ to, happen }: Drawn): void {
    const passed = this.#keepBusy(to, happen);
    this.#underWay.add(passed);
    void passed.finally(() => this.#underWay.delete(passed));
  }

  async #keepBusy(to: readonly string[], happen: () => Promise<unknown>): Promise<void> {
    for (const one of to) this.#busy.add(one);
    await happen();
    for (const one of to) this.#busy.delete(one);
  }

  #drawKind(): string {
    const all = Object.entries(kinds);
    let left = this.#random() * all.reduce((sum, [, { weight }]) => sum + weight, 0);
    return (all.find(([, { weight }]) => (left -= weight) < 0) ?? all[0]!)[0];
  }
}
