/** Files of expectations: what a policy has to achieve on a trace. docs/simulate.md has the grammar, by example. */
import { z } from 'zod';
import { type MetricName, metrics } from './metrics.ts';
import { readYaml, type YamlKind } from './yaml-file.ts';

export interface Expectation {
  readonly name: string;
  readonly metric: MetricName;
  readonly selector: unknown;
  /** In the unit of the metric; null where there is no bound on this side. */
  readonly atMost: number | null;
  readonly atLeast: number | null;
}

const names = Object.keys(metrics) as MetricName[];
const selectors = Object.fromEntries(
  names.map((name) => [name, (metrics[name].selector as z.ZodType).optional()]),
) as Record<MetricName, z.ZodOptional<z.ZodType>>;
const bound = z.union([z.string(), z.number()], { error: 'must be a number, a share like 90% or a duration like 5m' });

const Entry = z
  .strictObject({
    name: z.string({ error: 'must be text' }).min(1, { message: 'must not be empty' }).optional(),
    ...selectors,
    at_most: bound.optional(),
    at_least: bound.optional(),
  })
  .transform((entry, context): Expectation => {
    const fail = (message: string, path: string[] = []) => {
      context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    };
    const [metric, ...others] = names.filter((name) => entry[name] !== undefined);
    if (metric === undefined) return fail(`must name what is expected of: one of ${names.join(', ')}`);
    if (others.length > 0) return fail(`must name one metric; ${[metric, ...others].join(' and ')} are several`);
    const { unit } = metrics[metric];
    const parse = (key: 'at_most' | 'at_least') => {
      const written = entry[key];
      if (written === undefined) return null;
      return unit.parse(written) ?? fail(`is "${written}"; it ${unit.hint}`, [key]);
    };
    const [atMost, atLeast] = [parse('at_most'), parse('at_least')];
    if (entry.at_most === undefined && entry.at_least === undefined) return fail('must say at_most or at_least');
    return { name: entry.name ?? '', metric, selector: entry[metric], atMost, atLeast };
  });

export const expectationsKind: YamlKind<Expectation[]> = {
  schema: z.array(Entry, { error: 'must be a list of expectations' }).min(1, { message: 'must hold an expectation' }),
  what: 'a list of expectations',
  item: 'expectation',
};

export async function readExpectations(path: string): Promise<Expectation[]> {
  return readYaml(path, expectationsKind);
}
