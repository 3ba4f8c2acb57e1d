/** The earliest time at which a deployment can start for sure: when enough of what runs must have ended, by declared limits. */
import type { Holding } from './model.ts';
import type { Kept } from './nearest.ts';
import type { Pass } from './pass.ts';
import { bestNodeOf, placeOne, takeOn } from './place.ts';
import { type Limit, Room, type Spot } from './room.ts';
import type { Shape } from './shape.ts';

/** When it can start, and what is kept until then: on the nodes where it will, others may take what will be left. */
export interface Start {
  readonly at: number;
  readonly kept: Map<number, Kept>;
}

/** Null where declared time limits do not free enough. */
export function earliestStart(pass: Pass, shape: Shape): Start | null {
  const ending = endingOf(pass);
  if (ending.size === 0) return null;
  return shape.replicas === 1
    ? startOfOne(pass.room, ending, shape, pass.now)
    : startOfGang(pass.room, ending, shape, pass.now);
}

/** By node: what must have ended by a known time. */
type Ending = ReadonlyMap<number, Iterable<Ends>>;

type Ends = Pick<Holding, 'resources' | 'devices' | 'endsBy'>;

/** With those that this pass has placed already. */
function endingOf({ state, placed, room, now }: Pass): Ending {
  const started = new Map<number, Ends[]>();
  for (const { deployment, shape, spots } of placed.values()) {
    if (deployment.timeLimit === null) continue;
    for (const spot of spots) {
      const { resources, devices } = room.placement(shape, spot, 0);
      const one = { resources, devices, endsBy: now + deployment.timeLimit };
      started.set(spot.node, [...(started.get(spot.node) ?? state.ending.get(spot.node) ?? []), one]);
    }
  }
  return started.size === 0 ? state.ending : new Map<number, Iterable<Ends>>([...state.ending, ...started]);
}

/** Node by node: for a single replica, the others do not matter. */
function startOfOne(room: Room, ending: Ending, shape: Shape, now: number): Start | null {
  const times = new Map<number, number>();
  let at = Number.POSITIVE_INFINITY;
  for (const [node, holdings] of ending) {
    const time = earliestOn(room, shape, node, inTime(holdings, now), at);
    if (time === null) continue;
    times.set(node, time);
    at = Math.min(at, time);
  }
  if (at === Number.POSITIVE_INFINITY) return null;
  const inTimeNodes = new Set([...times].filter(([, time]) => time === at).map(([node]) => node));
  const freed = [...inTimeNodes].flatMap((node) => endedBy(inTime(ending.get(node) ?? [], now), node, at));
  for (const { node, holding } of freed) room.adjust(node, holding.resources, holding.devices, 1);
  const spot = takeOn(
    room,
    shape,
    'free',
    bestNodeOf(room, shape, 'free', (node) => inTimeNodes.has(node)),
  );
  const kept = keptOn(room, [spot]);
  room.give(shape, spot, 'free');
  for (const { node, holding } of freed) room.adjust(node, holding.resources, holding.devices, -1);
  return { at, kept };
}

/** When one replica fits on the node; null where that is not known, or later than `before`. */
function earliestOn(room: Room, shape: Shape, node: number, ends: readonly End[], before: number): number | null {
  let found: number | null = null;
  let freed = 0;
  for (const { at, holding } of ends) {
    if (at > before) break;
    room.adjust(node, holding.resources, holding.devices, 1);
    freed++;
    if (room.capacityOn(node, shape, 'free', 1) === 0) continue;
    found = at;
    break;
  }
  for (const { holding } of ends.slice(0, freed)) room.adjust(node, holding.resources, holding.devices, -1);
  return found;
}

/** For several replicas: room only grows with time, so the first moment at which it is enough is found by halving. */
function startOfGang(room: Room, ending: Ending, shape: Shape, now: number): Start | null {
  const ends = [...ending].flatMap(([node, holdings]) => inTime(holdings, now).map((end) => ({ ...end, node })));
  const roomAt = (time: number): Room => {
    const later = new Room(room);
    for (const { at, node, holding } of ends) {
      if (at <= time) later.adjust(node, holding.resources, holding.devices, 1);
    }
    return later;
  };
  const moments = [...new Set(ends.map((end) => end.at))].toSorted((a, b) => a - b);
  let [tooEarly, enough] = [-1, moments.length];
  while (enough - tooEarly > 1) {
    const middle = (tooEarly + enough) >> 1;
    if (roomAt(moments[middle] ?? now).holds(shape, 'free')) enough = middle;
    else tooEarly = middle;
  }
  const at = moments[enough];
  if (at === undefined) return null;
  const left = roomAt(at);
  const spots = placeOne(left, shape, 'free');
  return spots === null ? null : { at, kept: keptOn(left, spots) };
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
function keptOn(room: Room, spots: readonly Spot[]): Map<number, Kept> {
  const kept = new Map<number, Kept>();
  for (const { node } of spots) {
    const limit: Limit = {
      ram: room.now.ram[node] ?? 0,
      cpu: room.now.cpu[node] ?? 0,
      devices: room.devicesOf(node).map((device) => room.now.device[device] ?? 0),
    };
    kept.set(node, { replicas: (kept.get(node)?.replicas ?? 0) + 1, limit });
  }
  return kept;
}
