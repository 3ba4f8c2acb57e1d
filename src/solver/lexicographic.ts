/** As many as can be of the best level; then, with that, as many as can be of the next; and so on. */
import type { Highs, Model } from 'highs';
import type { Program } from './program.ts';

/** What was found for one level. */
interface LevelOptimum {
  readonly admitted: number;
  /** No more than this can be, with the levels before as they are. */
  readonly bound: number;
}

export interface Lexicographic {
  readonly levels: readonly LevelOptimum[];
  /** By column. */
  readonly values: Float64Array;
}

/**
 * `seconds` are for each level. Null where not even one solution was found for a level in that time; where one was but not
 * proven, the levels after it build on it all the same.
 */
export function maximizeInTurn(
  highs: Highs,
  program: Program,
  levels: readonly (readonly number[])[],
  seconds: number,
): Lexicographic | null {
  return highs.withModel(program.data(), (model) => {
    model.options.set({ output_flag: false, time_limit: seconds, mip_rel_gap: 0, mip_abs_gap: 0.999 });
    model.changeObjectiveSense(highs.constants.objectiveSense.maximize);
    const optima: LevelOptimum[] = [];
    let values = new Float64Array(program.columns);
    for (const columns of levels) {
      const optimum = maximize(highs, model, columns);
      if (optimum === null) return null;
      values = Float64Array.from(model.getSolution().colValue);
      optima.push(optimum);
      keep(highs, model, columns, optimum.admitted);
      model.setSolution({ colValue: values });
    }
    return { levels: optima, values };
  });
}

/** What was proven within some time, level after level. */
export interface Proven {
  /** Of so many levels, from the best on. */
  readonly levels: number;
  /** By column: the solution for the last of them. */
  readonly values: Float64Array;
}

/**
 * The same within so many milliseconds in all, up to the first level of which the optimum is not proven by then. What it answers depends
 * on the time it had in nothing but the number of levels. Null where that is none.
 */
export function proveInTurn(
  highs: Highs,
  program: Program,
  levels: readonly (readonly number[])[],
  milliseconds: number,
): Proven | null {
  const endsAt = performance.now() + milliseconds;
  return highs.withModel(program.data(), (model) => {
    model.options.set({ output_flag: false, mip_rel_gap: 0, mip_abs_gap: 0.999 });
    model.changeObjectiveSense(highs.constants.objectiveSense.maximize);
    let proven: Proven | null = null;
    for (const [l, columns] of levels.entries()) {
      const left = endsAt - performance.now();
      if (left <= 0) return proven;
      model.options.set({ time_limit: left / 1000 });
      const optimum = maximize(highs, model, columns);
      if (optimum === null || optimum.admitted < optimum.bound) return proven;
      const values = Float64Array.from(model.getSolution().colValue);
      proven = { levels: l + 1, values };
      keep(highs, model, columns, optimum.admitted);
      model.setSolution({ colValue: values });
    }
    return proven;
  });
}

function maximize(highs: Highs, model: Model, columns: readonly number[]): LevelOptimum | null {
  if (columns.length === 0) return { admitted: 0, bound: 0 };
  for (const column of columns) model.changeColCost(column, 1);
  model.zeroAllClocks();
  const { modelStatus } = model.run();
  const isOptimal = modelStatus === highs.constants.modelStatus.optimal;
  if (!isOptimal && model.info.get('primal_solution_status') !== 2) return null;
  // Whole, also where the columns need not be: then it is a bound.
  const admitted = Math.floor(model.getObjectiveValue() + 1e-6);
  const bound = isOptimal ? admitted : Math.floor(Number(model.info.get('mip_dual_bound')) + 1e-6);
  return { admitted, bound };
}

/** From here on it is asked for the next level, and this one keeps what it has. */
function keep(highs: Highs, model: Model, columns: readonly number[], admitted: number): void {
  for (const column of columns) model.changeColCost(column, 0);
  if (columns.length > 0) model.addRow(admitted, highs.infinity, { indices: columns, values: columns.map(() => 1) });
}
