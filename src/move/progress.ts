export interface Progress {
  /** So many rows of a table so far. */
  told(table: string, rows: number): void;
}

const everyMs = 1_000;

/** Tells people how far it is, at most once a second. */
export function createProgress(what: string, say: (message: string) => void): Progress {
  let toldAt = Date.now();
  return {
    told(table, rows) {
      if (Date.now() - toldAt < everyMs) return;
      toldAt = Date.now();
      say(`${what}: ${table}, ${rows.toLocaleString('en')} rows`);
    },
  };
}
