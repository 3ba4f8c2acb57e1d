/** A simulation from files to report: reads, adjusts, replays under each policy, and checks. */
import { limited, loaded, type PriorityMark, prioritized, valuesOf } from './adjust.ts';
import { check, type Verdict } from './check.ts';
import { type Expectation, readExpectations } from './expectations.ts';
import { InputError } from './input-error.ts';
import { measurable } from './metrics.ts';
import { defaultPolicy, readPolicy } from './policy-file.ts';
import { type ReadOptions, readTrace } from './readers/read-trace.ts';
import type { NamedPolicy } from './replay.ts';
import { type Report, reportOf } from './report.ts';
import { simulate } from './simulate.ts';
import type { Trace } from './trace.ts';

export interface Job extends ReadOptions {
  readonly trace: string;
  /** Files of policies; null is the default one. */
  readonly policies: readonly (string | null)[];
  /** A file of expectations; null: none. */
  readonly check: string | null;
  /** Submit so many times as fast. */
  readonly load: number;
  readonly limit: number | null;
  /** Milliseconds after the first submission; null: to the end. */
  readonly until: number | null;
  readonly priorities: { readonly from: PriorityMark; readonly mapping: Readonly<Record<string, number>> } | null;
}

/** Told how far it is: what is being done, and how much of it. */
export type Tell = (what: string, done: number, of: number) => void;

export interface JobResult {
  readonly report: Report;
  readonly verdicts: readonly Verdict[];
}

export async function runJob(job: Job, tell: Tell): Promise<JobResult> {
  // Small files first: what is wrong with them is told before a long replay, and not after it.
  const policies = await readPolicies(job.policies);
  const expectations = job.check === null ? [] : await readExpectations(job.check);
  const trace = adjusted(await readTrace(job.trace, job), job);
  if (trace.deployments.length === 0) throw new InputError(`${job.trace} holds no deployment`);
  return replayed(trace, policies, expectations, job.until, tell);
}

async function readPolicies(files: readonly (string | null)[]): Promise<NamedPolicy[]> {
  const policies: NamedPolicy[] = [];
  for (const file of files) {
    const policy = file === null ? defaultPolicy : await readPolicy(file);
    if (policies.some(({ name }) => name === policy.name)) {
      throw new InputError(`two policies are called ${policy.name}`, [
        `Give ${file} another name: with "name: …" in it.`,
      ]);
    }
    policies.push(policy);
  }
  return policies;
}

function adjusted(read: Trace, { limit, load, priorities }: Job): Trace {
  let trace = read;
  if (limit !== null) trace = limited(trace, limit);
  if (load !== 1) trace = loaded(trace, load);
  if (priorities === null) return trace;
  const { from, mapping } = priorities;
  const values = valuesOf(read, from);
  if (values.length === 0) throw new InputError(`${read.name} says nothing about the ${from} of its deployments`);
  const unknown = Object.keys(mapping).find((value) => !values.includes(value));
  if (unknown !== undefined) {
    throw new InputError(`${read.name} has no ${from} "${unknown}"`, [`It has ${values.slice(0, 20).join(', ')}.`]);
  }
  return prioritized(trace, from, mapping);
}

/** Policy after policy. */
function replayed(
  trace: Trace,
  policies: readonly NamedPolicy[],
  expectations: readonly Expectation[],
  until: number | null,
  tell: Tell,
): JobResult {
  const replays = policies.map((policy, i) =>
    simulate(trace, policy, {
      until,
      onProgress: (over, of) => tell(policy.name, i * of + over, policies.length * of),
    }),
  );
  const report = reportOf(trace, replays);
  return { report, verdicts: replays.flatMap((replay) => check(measurable(replay), expectations)) };
}
