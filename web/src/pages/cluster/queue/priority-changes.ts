import type { QueueEntry } from '../../../../../src/sdk/types.gen.ts';

type Ranked = Pick<QueueEntry, 'deployment_id' | 'priority'>;

export interface PriorityChange {
  readonly priority: number;
  readonly ids: readonly string[];
}

const mostUrgent = 1;
const leastUrgent = 100;
/** As many as the server changes at once. */
const idsMax = 500;

/** Each is moved by so many steps, a negative number making it more urgent; who is at the end of the scale stays. */
export function movedBy(entries: readonly Ranked[], steps: number): PriorityChange[] {
  const moved = entries.map(({ deployment_id: id, priority }) => ({
    id,
    from: priority,
    to: Math.min(leastUrgent, Math.max(mostUrgent, priority + steps)),
  }));
  return grouped(moved.filter(({ from, to }) => from !== to).map(({ id, to }) => ({ id, priority: to })));
}

/** What brings those of them that were changed back to what they had. */
export function backToBefore(entries: readonly Ranked[], changed: ReadonlySet<string>): PriorityChange[] {
  return grouped(
    entries
      .filter(({ deployment_id: id }) => changed.has(id))
      .map(({ deployment_id: id, priority }) => ({ id, priority })),
  );
}

export function inParts(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / idsMax) }, (_, part) =>
    ids.slice(part * idsMax, (part + 1) * idsMax),
  );
}

function grouped(wanted: readonly { readonly id: string; readonly priority: number }[]): PriorityChange[] {
  const groups = new Map<number, string[]>();
  for (const { id, priority } of wanted) groups.set(priority, [...(groups.get(priority) ?? []), id]);
  return [...groups].flatMap(([priority, ids]) => inParts(ids).map((part) => ({ priority, ids: part })));
}
