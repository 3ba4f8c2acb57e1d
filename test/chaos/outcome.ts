import type { DeploymentState } from '../audit/state.ts';
import type { Asked } from './promises.ts';
import type { Run } from './runs.ts';

export type Outcome = Pick<DeploymentState, 'id' | 'status' | 'attempt' | 'reason_code'>;

/** What speaks against how a deployment ended: what really ran of it, and what was asked of it. Null: nothing. */
export function outcomeFault(outcome: Outcome, asked: Asked, runs: readonly Run[]): string | null {
  const { status, attempt, reason_code: code } = outcome;
  if (attempt > 1 && asked.end !== 'well at last' && !asked.isPreemptible)
    return 'nothing was to bring it into the queue again';
  const codes = runs.filter((run) => run.attempt === attempt && run.ended !== null).map(({ exitCode }) => exitCode);
  switch (status) {
    case 'cancelled':
      return asked.requested.size > 0 ? null : 'nobody asked for that';
    case 'succeeded':
      if (asked.kind === 'service') return asked.requested.has('stop') ? null : 'nobody stopped it';
      if (asked.end === 'badly' || asked.end === 'by its time limit') return 'it was to fail';
      return codes.filter((one) => one === 0).length === asked.replicas
        ? null
        : `its containers ended with ${codes.join(', ')}`;
    case 'failed':
      if (code === 'time_limit') return asked.end === 'by its time limit' ? null : 'it has no time limit';
      if (code !== 'exit_nonzero') return 'that is no way to end';
      if (asked.end !== 'badly') return 'it was to end well';
      return codes.some((one) => one !== 0 && one !== null) ? null : `its containers ended with ${codes.join(', ')}`;
    default:
      return 'that is no end';
  }
}
