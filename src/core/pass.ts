/** What one pass has decided so far: the room that is left, who has been admitted, and what is kept for whom. */
import type { Policy, Snapshot } from './model.ts';
import { type OrderedQueue, orderQueue } from './order.ts';
import type { Spots } from './place.ts';
import { askerOf, type Hold } from './reserve.ts';
import { type Asker, Room } from './room.ts';
import type { Shape } from './shape.ts';

export class Pass {
  readonly policy: Policy;
  readonly now: number;
  readonly queue: OrderedQueue;
  /** Only nodes on which something new may be placed. */
  readonly room: Room;
  /** The same nodes if nothing ran. */
  readonly emptyRoom: Room;
  /** By position: where the admitted ones stand. */
  readonly placed: (Spots | undefined)[];
  /** By position: 1 where it would have fitted alone into what the levels before its own left over. */
  readonly allocatable: Uint8Array;
  /** Positions placed before their turn. */
  readonly outOfTurn = new Set<number>();
  admitted = 0;
  /** The levels so far could not have admitted more than so many, whatever was chosen of them. */
  bound = 0;
  hold: Hold | null = null;
  /** Shapes that no longer fit: nothing is freed in a pass, so they are done. */
  readonly #full: Record<Asker, Uint8Array>;
  /** By shape: 0 not yet known, 1 yes, 2 no. */
  readonly #canEver: Uint8Array;

  constructor(snapshot: Snapshot, policy: Policy, now: number) {
    const schedulable = snapshot.nodes.filter((node) => node.schedulable);
    this.policy = policy;
    this.now = now;
    this.queue = orderQueue(snapshot.queue, policy, now);
    this.room = new Room(schedulable);
    this.emptyRoom = new Room(schedulable, 'emptied');
    const positions = this.queue.deployments.length;
    this.placed = this.queue.deployments.map(() => undefined);
    this.allocatable = new Uint8Array(positions);
    this.#full = { free: new Uint8Array(positions), restrained: new Uint8Array(positions) };
    this.#canEver = new Uint8Array(positions);
  }

  /** How many deployments this pass may still admit. */
  get left(): number {
    return this.policy.maxAdmissions - this.admitted;
  }

  /** Writes down where a deployment stands. Its room has been taken. */
  admit(position: number, spots: Spots): void {
    this.placed[position] = spots;
    this.allocatable[position] = 1;
    this.admitted++;
  }

  askerAt(position: number): Asker {
    const deployment = this.queue.deployments[position];
    if (this.hold === null || deployment === undefined || this.hold.position === position) return 'free';
    return askerOf(deployment, this.hold, this.now);
  }

  /** Would a deployment of the shape find room now, beside all that has been placed? */
  fitsNow(shape: Shape, asker: Asker): boolean {
    const full = this.#full[asker];
    if (full[shape.index] === 1) return false;
    if (this.room.holds(shape, asker)) return true;
    full[shape.index] = 1;
    return false;
  }

  /** Would the schedulable nodes hold it if they were empty? */
  canEver(shape: Shape): boolean {
    const known = this.#canEver[shape.index] ?? 0;
    if (known !== 0) return known === 1;
    const can = this.emptyRoom.holds(shape, 'free');
    this.#canEver[shape.index] = can ? 1 : 2;
    return can;
  }
}
