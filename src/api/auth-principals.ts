import type { Principal } from '../store/principal.ts';

interface Entry {
  readonly principal: Promise<Principal | null>;
  readonly staleAt: number;
}

const maxAgeMs = 1000;
const maxEntries = 10_000;

/**
 * Remembers for at most a second who a secret belongs to, so that a client that sends a thousand requests a second costs
 * one look-up and not a thousand.
 *
 * What this process revokes is gone at once: `clear` also forgets look-ups under way, so that a request that comes after
 * the revocation never waits for an answer from before it. What another process revokes holds after a second.
 */
export class PrincipalCache {
  readonly #entries = new Map<string, Entry>();

  /** The principal for a secret's hash, from memory or from `load`. */
  get(hash: string, load: () => Promise<Principal | null>): Promise<Principal | null> {
    const now = performance.now();
    const known = this.#entries.get(hash);
    if (known !== undefined && now < known.staleAt) return known.principal;
    // Guessed secrets come in any number; what is worth remembering is found again at once.
    if (this.#entries.size >= maxEntries) this.#entries.clear();
    const entry = { principal: load(), staleAt: now + maxAgeMs };
    this.#entries.set(hash, entry);
    this.#forgetUnlessFound(hash, entry);
    return entry.principal;
  }

  /** After the commit of any change to users, memberships, sessions or tokens. */
  clear(): void {
    this.#entries.clear();
  }

  #forgetUnlessFound(hash: string, entry: Entry): void {
    const forget = () => {
      if (this.#entries.get(hash) === entry) this.#entries.delete(hash);
    };
    entry.principal.then((principal) => principal ?? forget(), forget);
  }
}
