/** A linear or integer program as it is put together: columns, then rows over them. HiGHS reads it as sparse arrays. */
import type { ModelData } from 'highs';

/** A column and its coefficient in a row. */
export type Term = readonly [column: number, coefficient: number];

/** Whether its columns must be whole numbers. */
export type ColumnType = 'integer' | 'continuous';

export class Program {
  readonly #type: ColumnType;
  readonly #lower: number[] = [];
  readonly #upper: number[] = [];
  readonly #rowLower: number[] = [];
  readonly #rowUpper: number[] = [];
  readonly #starts: number[] = [0];
  readonly #indices: number[] = [];
  readonly #values: number[] = [];

  constructor(type: ColumnType) {
    this.#type = type;
  }

  get columns(): number {
    return this.#lower.length;
  }

  /** A column from 0 up to `most`; its number. */
  add(most: number): number {
    this.#lower.push(0);
    this.#upper.push(most);
    return this.#lower.length - 1;
  }

  /** The sum over the terms is at most, or exactly, so much. Each column stands in it once. */
  atMost(terms: readonly Term[], upper: number): void {
    this.#row(terms, Number.NEGATIVE_INFINITY, upper);
  }

  exactly(terms: readonly Term[], value: number): void {
    this.#row(terms, value, value);
  }

  #row(terms: readonly Term[], lower: number, upper: number): void {
    if (terms.length === 0) return;
    for (const [column, coefficient] of terms) {
      this.#indices.push(column);
      this.#values.push(coefficient);
    }
    this.#starts.push(this.#indices.length);
    this.#rowLower.push(lower);
    this.#rowUpper.push(upper);
  }

  /** As HiGHS wants it, with nothing to maximize yet. */
  data(): ModelData {
    const [numCols, numRows] = [this.#lower.length, this.#rowLower.length];
    return {
      numCols,
      numRows,
      colCost: new Float64Array(numCols),
      colLower: Float64Array.from(this.#lower),
      colUpper: Float64Array.from(this.#upper),
      rowLower: Float64Array.from(this.#rowLower),
      rowUpper: Float64Array.from(this.#rowUpper),
      integrality: new Int32Array(numCols).fill(this.#type === 'integer' ? 1 : 0),
      matrix: {
        format: 'csr',
        numRows,
        numCols,
        starts: Int32Array.from(this.#starts),
        indices: Int32Array.from(this.#indices),
        values: Float64Array.from(this.#values),
      },
    };
  }
}
