import pg from 'pg';

/** The so manieth time it is asked, a statement is prepared: those that are asked once are not worth a name. */
const preparedFrom = 4;
/** So many texts are followed and prepared at most, over all connections: each costs memory here and in the server. */
const textsMax = 400;

/** What is known of a text: how often it was asked until it got its name. */
interface Text {
  asked: number;
  /** Under which it is prepared; null: not yet; false: never. */
  name: string | null | false;
}

const texts = new Map<string, Text>();
let named = 0;

/**
 * A connection that prepares by itself what is asked again and again. The loops of the control plane ask the same small statements many
 * times a second, and to parse and plan one takes the server longer than to execute it.
 *
 * After a migration that changes what a statement returns, the server refuses the plan that it had. The statement is then asked again,
 * without a name, and goes without one from then on; within a transaction, the transaction fails (0A000).
 */
export class PreparingClient extends pg.Client {
  // What it overrides has a dozen signatures: what is not a text with values is handed on as it came.
  override query(...args: unknown[]): never {
    return this.#ask(args) as never;
  }

  #ask(args: readonly unknown[]): unknown {
    const [text, values, callback] = args;
    if (text === 'begin' && callback === undefined) return this.#begin();
    // A text without values may hold several statements, as those of migrations do: they can't be prepared.
    const isOne = Array.isArray(values) && values.length > 0;
    if (typeof text !== 'string' || !isOne || callback !== undefined) return this.#hand(args);
    const known = lookUp(text);
    return typeof known?.name === 'string' ? this.#prepared(known, known.name, text, values) : this.#hand(args);
  }

  async #prepared(known: Text, name: string, text: string, values: unknown[]): Promise<unknown> {
    try {
      return await this.#hand([{ name, text, values }]);
    } catch (error) {
      if (!isPlanRefused(error)) throw error;
      known.name = false;
      if (this.getTransactionStatus() !== 'I') throw error;
      return await this.#hand([text, values]);
    }
  }

  /**
   * The first statement of a transaction is sent right behind its `begin`, whose answer says nothing: that spares a round trip for each
   * transaction. Where the connection is gone, that statement fails as well.
   */
  #begin(): Promise<Partial<pg.QueryResult>> {
    this.#hand(['begin']).catch(() => undefined);
    return Promise.resolve({ command: 'BEGIN', rowCount: null, rows: [] });
  }

  /** A promise, but where the last argument is a callback. */
  #hand(args: readonly unknown[]): Promise<unknown> {
    return (super.query as (...all: readonly unknown[]) => Promise<unknown>).apply(this, args as unknown[]);
  }
}

function lookUp(text: string): Text | null {
  let known = texts.get(text);
  if (known === undefined) {
    if (texts.size >= textsMax) return null;
    texts.set(text, (known = { asked: 0, name: null }));
  }
  known.asked += 1;
  if (known.name === null && known.asked >= preparedFrom) known.name = `hypervisor_${++named}`;
  return known;
}

/** Tells the server's word that a prepared statement returns something else by now. */
export function isPlanRefused(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '0A000' && error.routine === 'RevalidateCachedQuery';
}
