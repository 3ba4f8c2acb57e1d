import pc from 'picocolors';
import type { Problem } from '../sdk/index.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';

/** An error that is told in its own words, without a stack trace. `hints` say what to do next. */
export class CliError extends Error {
  constructor(
    message: string,
    readonly exitCode: number = exitCodes.failure,
    readonly hints: readonly string[] = [],
    readonly problem: Problem | null = null,
  ) {
    super(message);
  }
}

/** What the API refused, in the words of its answer. */
export function fromProblem(problem: Problem): CliError {
  return new CliError(messageOf(problem), exitCodeOf(problem.status), hintsOf(problem), problem);
}

/** Advice that is meant for programs is replaced by that for people at a terminal. */
function messageOf({ code, detail, errors }: Problem): string {
  if (code === 'validation_failed' && errors !== undefined && errors.length > 0) {
    return errors.map((error) => `${error.field} ${error.message}`).join('; ');
  }
  return detail;
}

function hintsOf({ code, status, errors = [] }: Problem): string[] {
  if (code === 'no_organization')
    return ['Make one with: hv org create NAME', 'Or join one with: hv invite accept CODE'];
  if (status === 401) return ['Sign in with: hv login'];
  // The sentence tells of the first, or of all where they are wrong.
  return code === 'validation_failed' || errors.length < 2
    ? []
    : errors.map((error) => `${error.field} ${error.message}`);
}

/** Tells an error on standard error, and answers with the exit code. */
export function tell(error: unknown, json: boolean): number {
  if (process.env['HYPERVISOR_DEBUG'] === '1') console.error(error);
  const known =
    error instanceof CliError ? error : new CliError(error instanceof Error ? error.message : String(error));
  if (json) {
    console.error(JSON.stringify({ error: known.problem ?? { detail: known.message } }));
    return known.exitCode;
  }
  console.error(`${pc.red('error:')} ${known.message}`);
  for (const hint of known.hints) console.error(`  ${hint}`);
  return known.exitCode;
}
