/** What there is to choose from inside one effective priority, and what a choice is. */
import type { Spots } from './place.ts';
import type { Asker, Free } from './room.ts';
import type { Shape } from './shape.ts';

/** The deployments of one shape in a level. Each of them would fit alone. */
export interface Candidates {
  readonly shape: Shape;
  readonly asker: Asker;
  /** Their positions in the order of the queue, the oldest first. */
  readonly members: readonly number[];
}

/** The deployments of one effective priority that would fit alone, by shape. */
export interface Level {
  readonly candidates: readonly Candidates[];
  /** For each member, in the order of the queue: the number of its candidates. */
  readonly turns: readonly number[];
}

/** For each of the candidates where its oldest members stand, as many as are chosen. */
export type Choice = readonly (readonly Spots[])[];

/** How many are chosen. */
export function sizeOf(choice: Choice): number {
  return choice.reduce((size, chosen) => size + chosen.length, 0);
}

/** What all replicas of one deployment need together, by what is scarce: amounts, and idle devices for whole ones. */
export function needOf(shape: Shape): Free {
  const { ram, cpu, gpu, replicas } = shape;
  return {
    ram: ram * replicas,
    cpu: cpu * replicas,
    gpu: gpu * replicas,
    idle: shape.wholeDevices > 0 ? gpu * replicas : 0,
  };
}

export const scarce = ['ram', 'cpu', 'gpu', 'idle'] as const satisfies readonly (keyof Free)[];
