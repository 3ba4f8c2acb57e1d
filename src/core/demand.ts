/** What an exact solver is asked: who there is to choose from, by level and shape. Between equal requests only their number counts. */
import { Improver } from './improve.ts';
import type { Node, Policy, QueuedDeployment, Request, Snapshot } from './model.ts';
import { compareByAge, effectivePriority } from './order.ts';
import { Pass } from './pass.ts';
import { findOverdue } from './reserve.ts';
import type { Shape } from './shape.ts';
import { ClusterState } from './state.ts';

/** Of each level, how many of each shape there are. */
export interface Demand {
  readonly shapes: readonly Shape[];
  /** By level, the best first, and then by shape. */
  readonly counts: readonly (readonly number[])[];
}

/** The same as plain data, with what else there is to know: it can be sent to another thread. */
export interface Question {
  /** By id. */
  readonly nodes: readonly Node[];
  readonly requests: readonly Request[];
  readonly counts: Demand['counts'];
  /** How many may be admitted in all. */
  readonly most: number;
}

/** What to ask about a snapshot; null where there is nothing that an exact solver could say. */
export function questionOf(snapshot: Snapshot, policy: Policy, now: number): Question | null {
  const pass = new Pass(new ClusterState(snapshot), policy, now);
  const demand = demandOf(pass);
  if (demand === null || demand.shapes.length === 0) return null;
  const requests = demand.shapes.map(({ request }) => request);
  return { nodes: pass.room.nodes, requests, counts: demand.counts, most: pass.left };
}

/**
 * Those that would fit alone, before anybody was placed. Null where numbers do not say it all: where somebody has waited too long or
 * has a claim, where others may be stopped, where whoever is expected to be done first goes first, or where nodes close for
 * maintenance; and where there is so much to choose from that not even improvement steps are tried.
 */
export function demandOf(pass: Pass): Demand | null {
  const { policy, state, now } = pass;
  if (state.room.hasWindows) return null;
  if (Improver.for(pass) === null || state.claims.size > 0 || findOverdue(pass) !== null) return null;
  const fitting = [...state.queue.lines].filter(({ shape }) => pass.fitsNow(shape, 'free'));
  // What a solver is asked about knows nothing of host ports.
  if (fitting.some(({ shape }) => shape.hostPorts !== null)) return null;
  const lines = fitting.map(({ shape, members }) => ({ shape, members: members.slice(0, members.size) }));
  const oldest = ({ members }: (typeof lines)[number]) => members[0] as QueuedDeployment;
  lines.sort((a, b) => compareByAge(oldest(a), oldest(b)));
  const shapes = [...new Set(lines.map(({ shape }) => shape))];
  const numbers = new Map(shapes.map((shape, number) => [shape, number]));
  const most = shapes.map((shape) => pass.mostOf(shape, 'free'));
  const levels = new Map<number, number[]>();
  for (const { shape, members } of lines) {
    const number = numbers.get(shape) ?? 0;
    for (const one of members) {
      const effective = effectivePriority(one, policy, now);
      const counts = levels.get(effective) ?? shapes.map(() => 0);
      levels.set(effective, counts);
      counts[number] = Math.min(most[number] ?? 0, (counts[number] ?? 0) + 1);
    }
  }
  const counts = [...levels].toSorted(([a], [b]) => a - b).map(([, ofLevel]) => ofLevel);
  return { shapes, counts };
}
