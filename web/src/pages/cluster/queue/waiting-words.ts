import type { DeploymentDetail, QueueEntry } from '../../../../../src/sdk/types.gen.ts';

type WaitingReason = NonNullable<DeploymentDetail['waiting']>['reason'];

/** A reason that the API has and that is not here is an error of the compiler. */
const short: Readonly<Record<WaitingReason, string>> = {
  dependencies: 'waits for others to end',
  array_parallel: 'others of its array first',
  pending: 'not looked at yet',
  due: 'starts in the next pass',
  pass_full: 'next pass',
  preempting: 'others stop for it',
  held_by_reservation: 'room is kept for another',
  port_taken: 'host port taken',
  maintenance: 'maintenance ahead',
  level_chose_larger_set: 'others of its priority first',
  insufficient_resources: 'too little is free',
  fragmented: 'free, but not in one place',
  no_schedulable_node: 'no open node',
  never_fits: 'the cluster is too small',
};

const words = new Map<string, string>(Object.entries(short));

/** Why it waits, in a few words; one of an older version that this page does not know is shown as its code reads. */
export const reasonInWords = (reason: string): string => words.get(reason) ?? reason.replaceAll('_', ' ');

/** How much of its urgency comes from waiting: priority 50, by age 48, is 2. */
export const raisedByAge = ({
  priority,
  effective_priority: effective,
}: Pick<QueueEntry, 'priority' | 'effective_priority'>): number => Math.max(0, priority - effective);
