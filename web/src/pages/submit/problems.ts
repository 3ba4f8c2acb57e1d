import type { Diagnostic } from '@codemirror/lint';
import type { PlanResult } from '../../../../src/sdk/types.gen.ts';
import { ApiProblem } from '../../api/client.ts';
import { type Draft, type DraftProblem, spanOf } from './draft.ts';
import { problemOfField } from './request.ts';

/** What the server found wrong with single fields. */
export function problemsOf(error: unknown): DraftProblem[] {
  return error instanceof ApiProblem ? error.fields.map(problemOfField) : [];
}

/** What a cluster could never hold. */
export function refusalsIn(plan: PlanResult | undefined): DraftProblem[] {
  return plan?.deployments.flatMap(({ errors }) => errors.map(problemOfField)) ?? [];
}

/** As the editor shows them. */
export function diagnosticsOf(draft: Draft, problems: readonly DraftProblem[]): Diagnostic[] {
  return problems.map((problem) => {
    const { from, to } = spanOf(draft, problem);
    return { from, to, severity: problem.isMissing ? 'info' : 'error', message: sentenceOf(problem) };
  });
}

/** "env.A must be text, in quotes". */
export function sentenceOf({ path, message }: Pick<DraftProblem, 'path' | 'message'>): string {
  return `${path.join('.')} ${message}`.trim();
}
