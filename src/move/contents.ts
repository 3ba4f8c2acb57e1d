/** What an installation's data consists of, on its way from one place to another. */

export interface TableShape {
  readonly name: string;
  /** Those that are stored, in the order in which rows are written. */
  readonly columns: readonly string[];
}

export interface SequenceState {
  readonly name: string;
  /** 64 bits. */
  readonly value: string;
  readonly isCalled: boolean;
}

export interface Shape {
  readonly installationId: string;
  /** The last migration that the tables were made by. */
  readonly migration: string;
  /** No number of a transaction among the data is larger. */
  readonly horizon: string;
  readonly tables: readonly TableShape[];
  readonly sequences: readonly SequenceState[];
}

/** A piece of the rows of a table, as COPY writes them; it may begin and end within a row. Pieces of one table follow each other. */
export interface Piece {
  readonly table: string;
  readonly data: Buffer;
}

export interface TableTotal {
  readonly rows: number;
  /** Over all rows, in whatever order (row-sum.ts). */
  readonly sum: string;
}

export type Totals = Readonly<Record<string, TableTotal>>;

export interface Contents {
  readonly shape: Shape;
  /** Once. */
  pieces(): AsyncIterable<Piece>;
  /** After the last piece. */
  totals(): Totals;
}
