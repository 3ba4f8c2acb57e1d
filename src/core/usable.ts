/**
 * How much of a node's free GPU is of use: what could still be allocated if it were filled with copies of one typical request,
 * on average over typical requests. What a placement takes from it beyond its own need is fragmentation: devices broken into
 * pieces, groups of idle devices broken up, GPU that is stranded because its node has run out of CPU or RAM.
 *
 * This goes back to fragmentation gradient descent (Weng et al., "Beware of Fragmentation", USENIX ATC 2023, section 4), which
 * measures the GPU that cannot take *one* typical request. Filling the node sees earlier that its CPU is running out: a node
 * that can still take one, but not as many as it has devices, is short of CPU already. And no statistics of the workload are
 * needed: the yardsticks below are requests of every size, with parts of the CPU and RAM that the cluster has for a GPU.
 */
import { type Node, wholeDevice } from './model.ts';

/** Shares that halve, and numbers of devices that double, in thousandths: no size counts more than another. */
const sizes = [250, 500, 1000, 2000, 4000, 8000] as const;

/** How much CPU and RAM a typical request takes for its GPU, in parts of what the cluster has for each. */
const parts = [0.25, 0.5, 0.75, 1] as const;

export class Yardsticks {
  /** What the cluster's GPU nodes have for each thousandth of a GPU, in thousandths. */
  readonly #cpu: number;
  readonly #ram: number;

  constructor(nodes: readonly Node[]) {
    const withGpu = nodes.filter(({ devices }) => devices.length > 0);
    const sum = (of: (node: Node) => number) => withGpu.reduce((total, node) => total + of(node), 0);
    const gpu = Math.max(
      1,
      sum(({ devices }) => devices.length * wholeDevice),
    );
    this.#cpu = sum(({ total }) => total.cpu) / gpu;
    this.#ram = sum(({ total }) => total.ram) / gpu;
  }

  /**
   * The use of a node with so much free CPU and RAM, whose devices `free[first]` up to, not including, `free[end]` have so much
   * free, in devices.
   */
  use(cpu: number, ram: number, free: Float64Array, first: number, end: number): number {
    let quarters = 0;
    let halves = 0;
    let idle = 0;
    for (let device = first; device < end; device++) {
      const amount = free[device] ?? 0;
      quarters += Math.floor(amount / 250);
      halves += Math.floor(amount / 500);
      if (amount === wholeDevice) idle++;
    }
    if (quarters === 0) return 0;
    let usable = 0;
    for (const size of sizes) {
      const copies = size === 250 ? quarters : size === 500 ? halves : Math.floor((idle * wholeDevice) / size);
      if (copies === 0) continue;
      const cpuOfAll = cpu / (this.#cpu * size);
      const ramOfAll = ram / (this.#ram * size);
      const most = Math.min(cpuOfAll, ramOfAll);
      for (const part of parts) usable += size * Math.min(copies, Math.floor(most / part));
    }
    return usable / (wholeDevice * sizes.length * parts.length);
  }
}
