/**
 * Who can run beside each other, as an integer program: which of several levels are admitted, on which nodes, on what of their
 * devices. Exact, replicas, models, labels and shares included; what was admitted in one level may stand wherever the other
 * levels leave it.
 *
 * Of nodes that are alike, several can stand in it as one with so many times as much: then, and with columns that need not be
 * whole, it says how many can be admitted at most.
 */
import type { Demand } from '../core/demand.ts';
import { type Node, wholeDevice } from '../core/model.ts';
import { Room } from '../core/room.ts';
import type { Shape } from '../core/shape.ts';
import { patternsOf } from './patterns.ts';
import { type ColumnType, Program, type Term } from './program.ts';

/** Nodes that are alike: one of them, and how many there are. */
export interface Copies {
  readonly node: Node;
  readonly copies: number;
}

export interface AdmissionProgram {
  readonly program: Program;
  /** By level and shape: the column that says how many are admitted; -1 where there are none. */
  readonly admitted: readonly (readonly number[])[];
  /** By shape and node, in the order of their ids: the column that says how many replicas stand there; -1 where none can. */
  readonly placed: readonly (readonly number[])[];
}

export function admissionProgram(
  all: readonly Copies[],
  demand: Demand,
  type: ColumnType = 'integer',
): AdmissionProgram {
  const program = new Program(type);
  const room = new Room(all.map(({ node }) => node));
  const copiesOf = new Map(all.map(({ node, copies }) => [node, copies]));
  const sites = room.nodes.map((node, number): Site => ({ room, node: number, copies: copiesOf.get(node) ?? 1 }));
  const total = demand.shapes.map((_, s) => demand.counts.reduce((sum, ofLevel) => sum + (ofLevel[s] ?? 0), 0));
  const admitted = demand.counts.map((ofLevel) => ofLevel.map((count) => (count === 0 ? -1 : program.add(count))));
  const placed = demand.shapes.map((shape, s) =>
    sites.map(({ node, copies }) => {
      const most = shape.replicas * (total[s] ?? 0);
      const capacity = copies * room.capacityOn(node, shape, 'free', most);
      return capacity === 0 ? -1 : program.add(Math.min(most, capacity));
    }),
  );
  demand.shapes.forEach((shape, s) => {
    const deployments = admitted.map((ofLevel) => ofLevel[s] ?? -1);
    allPlaced(program, shape, deployments, placed[s] ?? []);
  });
  for (const site of sites) {
    const here = demand.shapes.flatMap((shape, s): Here[] => {
      const column = placed[s]?.[site.node] ?? -1;
      return column === -1 ? [] : [{ shape, column, most: (total[s] ?? 0) * shape.replicas }];
    });
    fillNode(program, site, here);
  }
  return { program, admitted, placed };
}

/** A node, or several alike. */
interface Site {
  readonly room: Room;
  readonly node: number;
  readonly copies: number;
}

/** A shape that a node can take, with the column of how many replicas stand there. */
interface Here {
  readonly shape: Shape;
  readonly column: number;
  readonly most: number;
}

const isCounted = ([, coefficient]: Term): boolean => coefficient !== 0;

/** All replicas of those admitted stand somewhere; of one deployment not more on a node than may. */
function allPlaced(program: Program, shape: Shape, admitted: readonly number[], placed: readonly number[]): void {
  const deployments = admitted.filter((column) => column !== -1);
  const replicas = placed.filter((column) => column !== -1);
  const asked = deployments.map((column): Term => [column, -shape.replicas]);
  program.exactly([...replicas.map((column): Term => [column, 1]), ...asked], 0);
  if (shape.maxPerNode === Number.POSITIVE_INFINITY) return;
  // Several deployments together may have so many times as many there as one may: dealt out in turn, no one has more than its own.
  const allowed = deployments.map((column): Term => [column, -shape.maxPerNode]);
  for (const column of replicas) program.atMost([[column, 1], ...allowed], 0);
}

/** Devices of one node that no shape can tell apart. */
interface Alike {
  readonly first: number;
  readonly count: number;
  readonly free: number;
}

function fillNode(program: Program, site: Site, here: readonly Here[]): void {
  const { room, node, copies } = site;
  const ram = here.map(({ shape, column }): Term => [column, shape.ram]);
  const cpu = here.map(({ shape, column }): Term => [column, shape.cpu]);
  program.atMost(ram.filter(isCounted), copies * room.freeRam(node, 'free'));
  program.atMost(cpu.filter(isCounted), copies * room.freeCpu(node, 'free'));
  const classes = devicesAlike(site);
  const uses = classes.map((): Use[] => []);
  for (const one of here) {
    if (one.shape.gpu === 0) continue;
    const least = Math.min(wholeDevice, one.shape.gpu);
    const suiting = classes.flatMap(({ first, free }, c) => (free >= least && room.suits(first, one.shape) ? [c] : []));
    for (const [c, term] of usesOf(program, one, suiting)) uses[c]?.push({ ...one, term });
  }
  classes.forEach((alike, c) => shareAlike(program, alike, uses[c] ?? []));
}

function devicesAlike({ room, node, copies }: Site): Alike[] {
  const classes = new Map<string, number[]>();
  for (const device of room.devicesOf(node)) {
    const { model, memory } = room.nodes[node]?.devices.find(({ index }) => index === room.indexOf(device)) ?? {};
    const key = JSON.stringify([model, memory, room.now.device[device]]);
    classes.set(key, [...(classes.get(key) ?? []), device]);
  }
  return [...classes.values()].map(([first = -1, ...others]) => ({
    first,
    count: copies * (1 + others.length),
    free: room.now.device[first] ?? 0,
  }));
}

/** Whole devices, or shares, that replicas of a shape take of devices alike. */
interface Use extends Here {
  readonly term: Term;
}

/** In devices or shares: where only one class will do, the replicas themselves; else a column for each class. */
function usesOf(program: Program, { shape, column, most }: Here, classes: readonly number[]): [number, Term][] {
  const perReplica = Math.max(1, shape.wholeDevices);
  if (classes.length === 1) return [[classes[0] ?? 0, [column, perReplica]]];
  const uses = classes.map((c): [number, Term] => [c, [program.add(most * perReplica), 1]]);
  program.exactly([...uses.map(([, term]) => term), [column, -perReplica]], 0);
  return uses;
}

/** Each of these devices is taken whole, or shared in one of the ways in which it can be. */
function shareAlike(program: Program, { count, free }: Alike, uses: readonly Use[]): void {
  const whole = uses.filter(({ shape }) => shape.wholeDevices > 0).map(({ term }) => term);
  const shares = new Map<number, Use[]>();
  for (const use of uses) {
    const { gpu, wholeDevices } = use.shape;
    if (wholeDevices === 0) shares.set(gpu, [...(shares.get(gpu) ?? []), use]);
  }
  const amounts = [...shares.keys()].toSorted((a, b) => a - b);
  const most = amounts.map((amount) => (shares.get(amount) ?? []).reduce((sum, use) => sum + use.most, 0));
  const patterns = patternsOf(amounts, most, free);
  if (patterns === null) return shareEach(program, count, free, whole, shares);
  const columns = amounts.length === 0 ? [] : patterns.map(() => program.add(count));
  program.atMost([...whole, ...columns.map((column): Term => [column, 1])], count);
  amounts.forEach((amount, a) => {
    const room = columns.map((column, p): Term => [column, -(patterns[p]?.[a] ?? 0)]).filter(isCounted);
    program.atMost([...(shares.get(amount) ?? []).map(({ term }) => term), ...room], 0);
  });
}

/** The same with columns for each device by itself, where there are too many ways to share one. */
function shareEach(
  program: Program,
  devices: number,
  free: number,
  whole: readonly Term[],
  shares: ReadonlyMap<number, readonly Use[]>,
): void {
  const given = new Map([...shares.keys()].map((amount): [number, Term[]] => [amount, []]));
  const taken = Array.from({ length: devices }, () => {
    const isWhole = program.add(1);
    const parts = [...given].map(([amount, terms]): Term => {
      const column = program.add(Math.floor(free / amount));
      terms.push([column, -1]);
      return [column, amount];
    });
    program.atMost([[isWhole, free], ...parts], free);
    return isWhole;
  });
  program.exactly([...whole, ...taken.map((column): Term => [column, -1])], 0);
  for (const [amount, terms] of given)
    program.atMost([...(shares.get(amount) ?? []).map(({ term }) => term), ...terms], 0);
}
