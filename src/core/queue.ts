/**
 * Everybody who waits, kept so that the next ones are found without looking at all: deployments that a pass cannot tell apart
 * but by their age stand in one line.
 *
 * Age never changes who of a line comes first: whoever has waited longer has the better effective priority, or the same and
 * comes first by age (order.ts). So a line stays in order for ever, and the deployments of one effective priority are a piece
 * of it.
 */
import type { Policy, QueuedDeployment } from './model.ts';
import { byAge, compareByAge, effectivePriority } from './order.ts';
import { OrderedList } from './ordered-list.ts';
import { type Shape, Shapes } from './shape.ts';
import { lastsOf } from './windows.ts';

/** Deployments of one shape, one declared time limit and one priority of their own, the oldest first. */
export interface Line {
  readonly key: string;
  readonly shape: Shape;
  readonly timeLimit: number | null;
  readonly priority: number;
  readonly members: OrderedList<QueuedDeployment>;
}

interface Waiting {
  readonly deployment: QueuedDeployment;
  readonly line: Line;
}

export class Queue {
  readonly #shapes = new Shapes();
  /** Where nodes close for maintenance, deployments that last differently can be told apart. */
  readonly #heedsTime: boolean;
  readonly #waiting = new Map<string, Waiting>();
  readonly #lines = new Map<string, Line>();
  /** By priority of their own, whatever they ask for: to count who is before whom. Made when first asked for. */
  #byPriority: Map<number, OrderedList<QueuedDeployment>> | null = null;
  /** Neighbours in a list are mostly alike, and then their line is found without a look-up. */
  #last: Waiting | null = null;

  constructor(deployments: readonly QueuedDeployment[], heedsTime = false) {
    this.#heedsTime = heedsTime;
    const members = new Map<Line, QueuedDeployment[]>();
    for (const deployment of deployments) {
      const line = this.#lineOf(deployment);
      this.#waiting.set(deployment.id, { deployment, line });
      listIn(members, line).push(deployment);
    }
    for (const [line, of] of members) line.members.fill(byAge(of));
  }

  get size(): number {
    return this.#waiting.size;
  }

  get lines(): Iterable<Line> {
    return this.#lines.values();
  }

  get lineCount(): number {
    return this.#lines.size;
  }

  get deployments(): QueuedDeployment[] {
    return Array.from(this.#waiting.values(), ({ deployment }) => deployment);
  }

  find(id: string): QueuedDeployment | undefined {
    return this.#waiting.get(id)?.deployment;
  }

  /** The shape of one that is queued. */
  shapeOf(id: string): Shape | undefined {
    return this.#waiting.get(id)?.line.shape;
  }

  /** False where one of this id is queued already. */
  add(deployment: QueuedDeployment): boolean {
    if (this.#waiting.has(deployment.id)) return false;
    const line = this.#lineOf(deployment);
    this.#waiting.set(deployment.id, { deployment, line });
    line.members.add(deployment);
    if (this.#byPriority !== null) this.#ofPriority(this.#byPriority, deployment.priority).add(deployment);
    return true;
  }

  /** The one that was removed, and the shapes that are forgotten with it. Undefined where it was not queued. */
  remove(id: string): { deployment: QueuedDeployment; forgotten: readonly Shape[] } | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return undefined;
    const { deployment, line } = waiting;
    this.#waiting.delete(id);
    line.members.remove(deployment);
    this.#byPriority?.get(deployment.priority)?.remove(deployment);
    if (line.members.size > 0) return { deployment, forgotten: [] };
    this.#lines.delete(line.key);
    this.#last = null;
    return { deployment, forgotten: this.#shapes.release(line.shape) };
  }

  /** How many come before this one in the order of the scheduler. */
  countBefore(deployment: QueuedDeployment, policy: Policy, now: number): number {
    const level = effectivePriority(deployment, policy, now);
    const isBefore = (other: QueuedDeployment) => {
      const effective = effectivePriority(other, policy, now);
      return effective < level || (effective === level && compareByAge(other, deployment) < 0);
    };
    this.#byPriority ??= this.#groupByPriority();
    let count = 0;
    for (const list of this.#byPriority.values()) count += list.countWhile(isBefore);
    return count;
  }

  #groupByPriority(): Map<number, OrderedList<QueuedDeployment>> {
    const members = new Map<number, QueuedDeployment[]>();
    for (const { deployment } of this.#waiting.values()) listIn(members, deployment.priority).push(deployment);
    const lists = new Map<number, OrderedList<QueuedDeployment>>();
    for (const [priority, of] of members) this.#ofPriority(lists, priority).fill(byAge(of));
    return lists;
  }

  #ofPriority(lists: Map<number, OrderedList<QueuedDeployment>>, priority: number): OrderedList<QueuedDeployment> {
    let list = lists.get(priority);
    if (list === undefined) {
      list = new OrderedList(compareByAge);
      lists.set(priority, list);
    }
    return list;
  }

  #lineOf(deployment: QueuedDeployment): Line {
    const { request, timeLimit, priority } = deployment;
    if (this.#last !== null) {
      const { deployment: other, line } = this.#last;
      const isAlike = !this.#heedsTime || other.isService === deployment.isService;
      if (isAlike && other.request === request && other.timeLimit === timeLimit && other.priority === priority)
        return line;
    }
    const shape = this.#shapes.of(request, this.#heedsTime ? lastsOf(deployment) : 0);
    const key = `${shape.index}|${timeLimit}|${priority}`;
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = { key, shape, timeLimit, priority, members: new OrderedList(compareByAge) };
      this.#lines.set(key, line);
      this.#shapes.use(shape);
    }
    this.#last = { deployment, line };
    return line;
  }
}

function listIn<Key, Item>(lists: Map<Key, Item[]>, key: Key): Item[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
