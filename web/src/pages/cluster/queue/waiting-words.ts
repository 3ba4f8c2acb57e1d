import type { QueueEntry } from '../../../../../src/sdk/types.gen.ts';

const short: Readonly<Record<string, string>> = {
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

/** Why it waits, in a few words; a reason that this page does not know is shown as its code reads. */
export const reasonInWords = (reason: string): string => short[reason] ?? reason.replaceAll('_', ' ');

/** How much of its urgency comes from waiting: priority 50, by age 48, is 2. */
export const raisedByAge = ({
  priority,
  effective_priority: effective,
}: Pick<QueueEntry, 'priority' | 'effective_priority'>): number => Math.max(0, priority - effective);
