/** What is free, and whether it can be had in one place. */
import type { Node } from '../../../../../src/sdk/types.gen.ts';

/** Of a node whose devices are free for what comes. */
export interface Room {
  readonly freeGpus: number;
  /** Devices of which nobody holds anything. */
  readonly wholeGpus: number;
  /** The most whole devices that one node could give now. */
  readonly wholeGpusOnOneNode: number;
  readonly freeRamOnOneNode: number;
  readonly freeCpuOnOneNode: number;
  /** Nodes on which nothing new is placed. */
  readonly closed: number;
}

type Judged = Pick<Node, 'gpus' | 'resources' | 'status'>;

/** Nodes that are closed have no room for anybody. */
export function roomOf(nodes: readonly Judged[]): Room {
  const open = nodes.filter(({ status }) => status === 'ready');
  const whole = open.map(({ gpus }) => gpus.filter(({ allocated }) => allocated === 0).length);
  return {
    freeGpus: round(open.reduce((sum, { resources }) => sum + resources.available.gpu, 0)),
    wholeGpus: whole.reduce((sum, count) => sum + count, 0),
    wholeGpusOnOneNode: largest(whole),
    freeRamOnOneNode: largest(open.map(({ resources }) => resources.available.ram)),
    freeCpuOnOneNode: largest(open.map(({ resources }) => resources.available.cpu)),
    closed: nodes.length - open.length,
  };
}

const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0);

/** Thousandths are all that there is. */
const round = (value: number) => Math.round(value * 1000) / 1000;
