import type { Policy } from '../../../../../src/sdk/types.gen.ts';
import { formatDuration } from '../../../text/times.ts';

interface Rule {
  readonly title: string;
  readonly text: string;
}

/** What each value of a policy means, in sentences. */
export function policyInWords(policy: Policy): readonly Rule[] {
  return [
    { title: 'Age', text: agingInWords(policy) },
    { title: 'Room that is kept', text: reservationInWords(policy) },
    { title: 'Who of a level goes first', text: backfillInWords(policy) },
    { title: 'Stopping for what is more urgent', text: preemptionInWords(policy) },
    { title: 'Engines that go away', text: lostInWords(policy) },
    { title: 'What has ended', text: retentionInWords(policy) },
  ];
}

function agingInWords({ aging_interval_s: interval }: Policy): string {
  if (interval === 0) return 'Waiting does not make anything more urgent: priority stays what its user gave.';
  const step = formatDuration(interval);
  return `For every ${step} that it waits, a deployment becomes more urgent by one: with priority 50 it is as urgent as 49 after ${step}, and as 40 after ${formatDuration(interval * 10)}.`;
}

function reservationInWords({ reservation_after_s: after }: Policy): string {
  const since =
    after === 0 ? 'From the first time that it is passed over' : `After waiting for ${formatDuration(after)}`;
  return `${since}, a deployment has room kept for it, and nobody who comes later can delay it.`;
}

function backfillInWords({ backfill }: Policy): string {
  return backfill === 'largest_set'
    ? 'Among those that are equally urgent, as many as can run together are chosen.'
    : 'Among those that are equally urgent, who is expected to be done soon goes first, as learned from earlier jobs of the same user.';
}

function preemptionInWords({ preemption }: Policy): string {
  if (!preemption.enabled) return 'What runs is left alone, whatever waits.';
  const spared =
    preemption.min_run_time_s === 0
      ? ''
      : ` Nothing is stopped before it has run for ${formatDuration(preemption.min_run_time_s)}.`;
  return `What runs may be stopped for what is strictly more urgent, if that can start then. It is queued again, with its age.${spared}`;
}

function lostInWords({ lost_after_s: after }: Policy): string {
  return `When an engine has not answered for ${formatDuration(after)}, what ran on it is given up, and runs elsewhere if it may.`;
}

function retentionInWords({ retention_s: seconds }: Policy): string {
  return seconds === null
    ? 'Deployments that have ended are kept, with their logs, until somebody deletes them.'
    : `Deployments are deleted, with their logs, ${formatDuration(seconds)} after they have ended.`;
}
