/**
 * What was seen of a room, for each shape: how much of it every node could take, and which node is the best for it. A pass
 * changes few nodes, so only those that changed since are looked at again. What is remembered is always what a fresh look would
 * say: it saves time and decides nothing.
 */
import type { Room } from './room.ts';
import type { Shape } from './shape.ts';

/** More replicas than any node is asked to take: what needs nothing at all is bounded by it. */
export const manyReplicas = 1_000_000;

/** The numbers of the nodes that changed, one after the other; the older ones are overwritten. */
export class Changes {
  readonly #ring: Int32Array;
  /** By node: the number of its latest change. */
  readonly #latest: Float64Array;
  /** How many there were. */
  count = 0;

  constructor(nodes: number) {
    this.#ring = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(64, 2 * nodes))));
    this.#latest = new Float64Array(nodes).fill(-1);
  }

  add(node: number): void {
    this.#latest[node] = this.count;
    this.#ring[this.count++ & (this.#ring.length - 1)] = node;
  }

  /** The node of the change with this number, which must not be too old; -1 where it has changed again since. */
  at(number: number): number {
    const node = this.#ring[number & (this.#ring.length - 1)] ?? 0;
    return this.#latest[node] === number ? node : -1;
  }

  /** Whether those since then are so many that looking at everything anew is cheaper. */
  isLongAgo(number: number): boolean {
    return this.count - number > this.#ring.length / 2;
  }
}

const unfit = Number.POSITIVE_INFINITY;

export class Seen {
  readonly #room: Room;
  readonly #shape: Shape;
  /** By node: how many replicas it could take. */
  readonly capacityOn: Int32Array;
  /** The sum over all nodes. */
  capacity = 0;
  /** By device: 1 where it suits the shape. */
  readonly #suitable: Uint8Array;
  /** Those of the nodes that could ever matter to the shape. */
  readonly #changes: Changes;
  #upTo = -1;
  #ranks: Ranks | null = null;

  constructor(room: Room, shape: Shape) {
    this.#room = room;
    this.#shape = shape;
    const { devices, changes } = room.suitable(shape);
    this.#suitable = devices;
    this.#changes = shape.gpu === 0 ? room.changes : changes;
    this.capacityOn = new Int32Array(room.nodes.length);
  }

  /** Looks at what has changed. */
  catchUp(): void {
    const changes = this.#changes;
    if (this.#upTo === changes.count) return;
    if (this.#upTo === -1 || changes.isLongAgo(this.#upTo)) {
      for (let node = 0; node < this.capacityOn.length; node++) this.#lookAt(node);
    } else {
      for (let number = this.#upTo; number < changes.count; number++) this.#lookAtIf(changes.at(number));
    }
    this.#upTo = changes.count;
  }

  #lookAtIf(node: number): void {
    if (node !== -1) this.#lookAt(node);
  }

  #lookAt(node: number): void {
    const capacity = this.#room.capacityInAll(node, this.#shape, this.#suitable);
    this.capacity += capacity - (this.capacityOn[node] ?? 0);
    this.capacityOn[node] = capacity;
  }

  /** The ranks of the nodes for one replica, as `rankOf` gives them: a lower one is better. It must be the same each time. */
  ranks(rankOf: (node: number) => number): Ranks {
    this.catchUp();
    const rank = (node: number) => ((this.capacityOn[node] ?? 0) > 0 ? rankOf(node) : unfit);
    this.#ranks ??= new Ranks(this.capacityOn.length);
    this.#ranks.catchUp(this.#changes, rank);
    return this.#ranks;
  }
}

/** A tournament of the nodes: each inner place of the tree holds the better of the two below it (Knuth, TAOCP vol. 3, 5.4.1). */
export class Ranks {
  readonly of: Float64Array;
  readonly #tree: Int32Array;
  readonly #leaves: number;
  #upTo = -1;

  constructor(nodes: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(2, nodes)));
    this.of = new Float64Array(this.#leaves).fill(unfit);
    this.#tree = new Int32Array(2 * this.#leaves);
    for (let node = 0; node < this.#leaves; node++) this.#tree[this.#leaves + node] = node;
  }

  /** The best node, of equals the first; -1 where none fits. */
  get best(): number {
    const best = this.#tree[1] ?? 0;
    return this.of[best] === unfit ? -1 : best;
  }

  catchUp(changes: Changes, rankOf: (node: number) => number): void {
    if (this.#upTo === -1 || changes.isLongAgo(this.#upTo)) this.#rankAll(rankOf);
    else for (let number = this.#upTo; number < changes.count; number++) this.#rank(changes.at(number), rankOf);
    this.#upTo = changes.count;
  }

  #rankAll(rankOf: (node: number) => number): void {
    for (let node = 0; node < this.#leaves; node++) this.of[node] = rankOf(node);
    for (let place = this.#leaves - 1; place > 0; place--) this.#play(place);
  }

  #rank(node: number, rankOf: (node: number) => number): void {
    if (node === -1) return;
    const rank = rankOf(node);
    if (rank === this.of[node]) return;
    this.of[node] = rank;
    for (let place = (this.#leaves + node) >>> 1; place > 0; place >>>= 1) this.#play(place);
  }

  #play(place: number): void {
    const left = this.#tree[2 * place] ?? 0;
    const right = this.#tree[2 * place + 1] ?? 0;
    this.#tree[place] = (this.of[right] ?? unfit) < (this.of[left] ?? unfit) ? right : left;
  }
}
