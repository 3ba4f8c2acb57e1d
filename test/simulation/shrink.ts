import fc from 'fast-check';
import type { Outcome } from './history.ts';
import { drawing, type Scenario, scenarios } from './scenario.ts';

/** So many smaller histories are tried. */
const triesMax = 150;

export interface Shrunk {
  readonly scenario: Scenario;
  readonly message: string;
  readonly tries: number;
}

/** The smallest history found in which the same rule is broken as in that of the seed. Null where nothing is broken in that one. */
export async function shrink(seed: number, run: (scenario: Scenario) => Promise<Outcome>): Promise<Shrunk | null> {
  let rule: string | null = null;
  let tries = 0;
  let smallest: Omit<Shrunk, 'tries'> | null = null;
  const holds = fc.asyncProperty(scenarios, async (scenario) => {
    if (tries++ > triesMax) return true;
    const { found } = await run(scenario);
    if (found === null) return true;
    rule ??= found.rule;
    if (found.rule !== rule) return true;
    smallest = { scenario, message: found.message };
    return false;
  });
  await fc.check(holds, drawing(seed));
  return smallest === null ? null : { ...(smallest as Omit<Shrunk, 'tries'>), tries };
}
