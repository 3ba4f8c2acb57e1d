/** The earliest time at which a deployment can start for sure: when enough of what runs must have ended, by declared limits. */
import type { Holding, Node } from './model.ts';
import type { Kept } from './nearest.ts';
import type { Pass } from './pass.ts';
import { bestNodeOf, placeOne, takeOn } from './place.ts';
import { type Limit, Room, type Spot } from './room.ts';
import type { Shape } from './shape.ts';
import type { ClusterState } from './state.ts';
import { opensAt } from './windows.ts';

/** When it can start, and what is kept until then: on the nodes where it will, others may take what will be left. */
export interface Start {
  readonly at: number;
  readonly kept: Map<number, Kept>;
}

/** Null where declared time limits do not free enough. */
export function earliestStart(pass: Pass, shape: Shape): Start | null {
  const started = startedIn(pass);
  if (pass.state.ending.size === 0 && started.size === 0 && !pass.room.hasWindows) return null;
  // A host port may come free on another node of the machine.
  const isByItself = shape.replicas === 1 && shape.hostPorts === null;
  return isByItself ? startOfOne(pass, started, shape) : startOfGang(pass, started, shape);
}

type Ends = Pick<Holding, 'resources' | 'devices' | 'hostPorts' | 'endsBy'>;

/** By node: what must have ended by a known time, of nodes on which this pass has started something of that kind. */
function startedIn({ state, placed, room, now }: Pass): Map<number, Ends[]> {
  const started = new Map<number, Ends[]>();
  for (const { deployment, shape, spots } of placed.values()) {
    if (deployment.timeLimit === null) continue;
    for (const spot of spots) {
      const one = { ...room.placement(shape, spot, 0), endsBy: now + deployment.timeLimit };
      started.set(spot.node, [...(started.get(spot.node) ?? state.ending.get(spot.node) ?? []), one]);
    }
  }
  return started;
}

/** Node by node: for a single replica, the others do not matter. */
function startOfOne(pass: Pass, started: Map<number, Ends[]>, shape: Shape): Start | null {
  const { state, room, now } = pass;
  if (state.earliest?.shape !== shape) state.earliest = new Earliest(state, shape);
  const known = state.earliest.times(now);
  // A copy: what this pass has started is known for this pass only.
  const times = started.size === 0 ? known : known.slice();
  for (const [node, ends] of started) times[node] = earliestOn(room, shape, node, ends, now);
  const at = times.reduce((first, time) => Math.min(first, time), Number.POSITIVE_INFINITY);
  if (at === Number.POSITIVE_INFINITY) return null;
  return startAt(pass, started, shape, Math.max(now, at), times);
}

/** Of many nodes that are free in time, so many are looked at: where all have the same limits, it may be all of them. */
const nodesTried = 64;

/** On the best of the nodes that are free by then. */
function startAt(
  { state, room, now }: Pass,
  started: Map<number, Ends[]>,
  shape: Shape,
  at: number,
  times: Float64Array,
): Start {
  const nodes = new Set<number>();
  for (let node = 0; node < times.length && nodes.size < nodesTried; node++) {
    if ((times[node] ?? Number.POSITIVE_INFINITY) <= at) nodes.add(node);
  }
  const freed = [...nodes].flatMap((node) =>
    endedBy(inTime(started.get(node) ?? state.ending.get(node) ?? [], now), node, at),
  );
  for (const { node, holding } of freed) room.adjust(node, holding, 1);
  const best = room.at(at, () => bestNodeOf(room, shape, 'free', (node) => nodes.has(node)));
  const spot = takeOn(room, shape, 'free', best);
  const kept = keptOn(room, shape, [spot]);
  room.give(shape, spot, 'free');
  for (const { node, holding } of freed) room.adjust(node, holding, -1);
  return { at, kept };
}

/**
 * When one replica fits on the node, by declared limits alone, which may be over already; infinite where they free too little. Where
 * the node closes for maintenance before it must have ended: after that. By then there is no less room.
 */
function earliestOn(room: Room, shape: Shape, node: number, holdings: Iterable<Ends>, now: number): number {
  const ends = [...holdings].toSorted((a, b) => (a.endsBy ?? 0) - (b.endsBy ?? 0));
  const { windows } = room.nodes[node] as Node;
  if (windows === undefined) return ends[room.fitsAfter(node, shape, ends)]?.endsBy ?? Number.POSITIVE_INFINITY;
  return room.asIfOpen(node, () => {
    const fitsAt = room.capacityOn(node, shape, 'free', 1) > 0 ? now : ends[room.fitsAfter(node, shape, ends)]?.endsBy;
    return fitsAt == null ? Number.POSITIVE_INFINITY : opensAt(windows, Math.max(now, fitsAt), shape.lasts);
  });
}

/** For one shape: when a replica fits on each node. Remembered from pass to pass; only nodes that changed are looked at again. */
export class Earliest {
  readonly shape: Shape;
  readonly #state: ClusterState;
  /** By node; infinite where declared limits free too little. */
  readonly #times: Float64Array;
  #upTo = -1;

  constructor(state: ClusterState, shape: Shape) {
    this.#state = state;
    this.shape = shape;
    this.#times = new Float64Array(state.room.nodes.length).fill(Number.POSITIVE_INFINITY);
  }

  /** By node. Not to be changed. */
  times(now: number): Float64Array {
    const { changes } = this.#state.room;
    if (this.#upTo === -1 || changes.isLongAgo(this.#upTo)) {
      for (let node = 0; node < this.#times.length; node++) this.#lookAt(node, now);
    } else {
      for (let number = this.#upTo; number < changes.count; number++) this.#lookAt(changes.at(number), now);
    }
    this.#upTo = changes.count;
    return this.#times;
  }

  #lookAt(node: number, now: number): void {
    if (node === -1) return;
    const { room, ending } = this.#state;
    this.#times[node] = earliestOn(room, this.shape, node, ending.get(node) ?? [], now);
  }
}

/** For several replicas: room only grows with time, so the first moment at which it is enough is found by halving. */
function startOfGang({ state, room, now }: Pass, started: Map<number, Ends[]>, shape: Shape): Start | null {
  const ending = new Map<number, Iterable<Ends>>([...state.ending, ...started]);
  const ends = [...ending].flatMap(([node, holdings]) => inTime(holdings, now).map((end) => ({ ...end, node })));
  const roomAt = (time: number): Room => {
    const later = new Room(room);
    for (const { at, node, holding } of ends) {
      if (at <= time) later.adjust(node, holding, 1);
    }
    later.setTime(time);
    return later;
  };
  if (room.hasWindows) return startBesideWindows(room, ends, shape, now, roomAt);
  const moments = [...new Set(ends.map((end) => end.at))].toSorted((a, b) => a - b);
  let [tooEarly, enough] = [-1, moments.length];
  while (enough - tooEarly > 1) {
    const middle = (tooEarly + enough) >> 1;
    if (roomAt(moments[middle] ?? now).holds(shape, 'free')) enough = middle;
    else tooEarly = middle;
  }
  return startIn(moments[enough], shape, roomAt);
}

/** So many moments are looked at where there is maintenance: with many more, the start is named later than it could be. */
const momentsTried = 256;

/** Where nodes close in between, there is not always more room later: moment after moment is looked at. */
function startBesideWindows(
  room: Room,
  ends: readonly End[],
  shape: Shape,
  now: number,
  roomAt: (time: number) => Room,
): Start | null {
  const overAt = room.nodes.flatMap(({ windows = [] }) => windows.map(({ to }) => to));
  const moments = [...new Set([...ends.map(({ at }) => at), ...overAt.filter((to) => to > now)])].toSorted(
    (a, b) => a - b,
  );
  // The last always counts: all has ended by then, and all nodes are open.
  const tried = moments.length <= momentsTried ? moments : [...moments.slice(0, momentsTried), ...moments.slice(-1)];
  const at = tried.find((moment) => roomAt(moment).holds(shape, 'free'));
  return startIn(at, shape, roomAt);
}

function startIn(at: number | undefined, shape: Shape, roomAt: (time: number) => Room): Start | null {
  if (at === undefined) return null;
  const left = roomAt(at);
  const spots = placeOne(left, shape, 'free');
  return spots === null ? null : { at, kept: keptOn(left, shape, spots) };
}

interface End {
  readonly at: number;
  readonly holding: Ends;
}

/** The first first. What should have ended already is about to. */
function inTime(holdings: Iterable<Ends>, now: number): End[] {
  return [...holdings]
    .map((holding) => ({ holding, at: Math.max(now, holding.endsBy ?? now) }))
    .toSorted((a, b) => a.at - b.at);
}

function endedBy(ends: readonly End[], node: number, time: number): { node: number; holding: Ends }[] {
  return ends.filter(({ at }) => at <= time).map(({ holding }) => ({ node, holding }));
}

/** What is left of the nodes on which the replicas were placed. */
function keptOn(room: Room, { hostPorts }: Shape, spots: readonly Spot[]): Map<number, Kept> {
  const kept = new Map<number, Kept>();
  for (const { node } of spots) {
    const limit: Limit = {
      ram: room.now.ram[node] ?? 0,
      cpu: room.now.cpu[node] ?? 0,
      devices: room.devicesOf(node).map((device) => room.now.device[device] ?? 0),
      ...(hostPorts !== null && { keptPorts: hostPorts }),
    };
    kept.set(node, { replicas: (kept.get(node)?.replicas ?? 0) + 1, limit });
  }
  return kept;
}
