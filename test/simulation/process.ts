import type { World } from './world.ts';

/** What a process speaks to. */
export type Party = 'database' | 'engine' | 'queue';

/** How often, and how long, requests go wrong by themselves. */
export interface Noise {
  /** The share of requests that fail: half of them before they have taken effect, half of them after. */
  readonly cut: number;
  /** The longest a message takes in one direction. */
  readonly latencyMsMax: number;
}

export interface RequestFate<T> {
  readonly to: Party;
  readonly name: string;
  readonly effect: () => Promise<T>;
  /** What whoever asked is told where the request, or its answer, was lost. */
  readonly lost: () => Error;
}

const stallEndMsMax = 50;

/** A request that nobody waits for any more. */
const never = () => new Promise<never>(() => undefined);

/**
 * One process of the control plane, as the others see it: what it asks of them goes through here, and each request is two events,
 * its arrival and its answer. A process that has crashed asks nothing more and hears nothing more, so that its loops stand still.
 */
export class SimulatedProcess {
  readonly #world: World;
  readonly #noise: () => Noise;
  readonly #cutOff = new Set<Party>();
  readonly #onEnd: (() => void)[] = [];
  readonly #onCutOff: ((party: Party) => void)[] = [];
  readonly name: string;
  isAlive = true;
  /** Until then it stands still. */
  #stallsUntil = 0;

  constructor(world: World, name: string, noise: () => Noise) {
    this.#world = world;
    this.name = name;
    this.#noise = noise;
  }

  async request<T>({ to, name, effect, lost }: RequestFate<T>): Promise<T> {
    const { cut, latencyMsMax } = this.#noise();
    // All that is left to chance is drawn here: real answers come in an order that is no one's choice.
    const [thereMs, backMs] = [this.#world.between(0.1, latencyMsMax), this.#world.between(0.1, latencyMsMax)];
    const fate = this.#world.chance(cut) ? this.#world.pick(['lost', 'unanswered'] as const) : 'answered';
    await this.#pass(thereMs);
    if (fate === 'lost' || this.#cutOff.has(to)) {
      this.#world.note(`${this.name} -x ${name}`);
      throw lost();
    }
    this.#world.note(`${this.name} -> ${name}`);
    const outcome = await effect().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    await this.#pass(backMs);
    if (fate === 'unanswered' || this.#cutOff.has(to)) {
      this.#world.note(`${this.name} x- ${name}`);
      throw lost();
    }
    this.#world.note(`${this.name} <- ${name}${'error' in outcome ? ' failed' : ''}`);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  async #pass(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#world.after(ms, resolve));
    // What has piled up comes in any order.
    while (this.#world.now < this.#stallsUntil) {
      const againMs = this.#stallsUntil - this.#world.now + this.#world.between(0, stallEndMsMax);
      await new Promise<void>((resolve) => this.#world.after(againMs, resolve));
    }
    if (!this.isAlive) await never();
  }

  reaches(party: Party): boolean {
    return this.isAlive && !this.#cutOff.has(party);
  }

  /** Nothing comes from it, and nothing gets to it, before then. */
  stall(untilMs: number): void {
    this.#stallsUntil = untilMs;
  }

  cutOff(party: Party): void {
    this.#cutOff.add(party);
    for (const told of this.#onCutOff) told(party);
  }

  reconnect(party: Party): void {
    this.#cutOff.delete(party);
  }

  onCutOff(told: (party: Party) => void): void {
    this.#onCutOff.push(told);
  }

  onEnd(told: () => void): void {
    this.#onEnd.push(told);
  }

  /** Between any two events: what it had sent may have taken effect, and it will not know. */
  crash(): void {
    this.isAlive = false;
    for (const told of this.#onEnd) told();
  }
}
