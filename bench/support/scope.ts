import { CleanUp } from '../../demo/clean-up.ts';
import type { BenchContext } from './bench.ts';

/** What is acquired within is undone when it has ended, and not only with the benchmark. */
export async function scoped<T>(context: BenchContext, work: (inner: BenchContext) => Promise<T>): Promise<T> {
  const cleanUp = new CleanUp();
  const { signal } = context;
  try {
    return await work({ ...context, acquire: (what, make, unmake) => cleanUp.acquire(what, signal, make, unmake) });
  } finally {
    for (const failure of await cleanUp.run()) context.say(`could not clean up ${failure}`);
  }
}
