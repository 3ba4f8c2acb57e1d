import { ApiError } from './errors.ts';

export interface SeatLimits {
  readonly perOrganization: number;
  readonly inAll: number;
}

/** How many of one kind of session may be open at once: each holds memory, a connection and an engine's attention. */
export class Seats {
  readonly #taken = new Map<string, number>();
  #inAll = 0;

  constructor(
    private readonly limits: SeatLimits,
    /** As a sentence has it: "terminals". */
    private readonly what: string,
  ) {}

  /** Throws `too_many_sessions` where there is none left. */
  check(organizationId: string): void {
    const mine = this.#taken.get(organizationId) ?? 0;
    const { perOrganization, inAll } = this.limits;
    if (mine < perOrganization && this.#inAll < inAll) return;
    const has = mine < perOrganization ? `there are ${this.#inAll}` : `your organization has ${mine}`;
    throw new ApiError('too_many_sessions', `There can't be more ${this.what} at once: ${has}.`);
  }

  /** Takes one, and answers with how to give it back; that may be called more than once. Throws as `check` does. */
  take(organizationId: string): () => void {
    this.check(organizationId);
    this.#taken.set(organizationId, (this.#taken.get(organizationId) ?? 0) + 1);
    this.#inAll += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#inAll -= 1;
      const left = (this.#taken.get(organizationId) ?? 1) - 1;
      if (left > 0) this.#taken.set(organizationId, left);
      else this.#taken.delete(organizationId);
    };
  }
}
