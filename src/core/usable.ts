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
import type { Node } from './model.ts';

/**
 * The use of one device, over six sizes and four parts, counted in quarters of a device. The sizes are shares that halve, and numbers of
 * devices that double, so that no size counts more than another. A typical request takes a quarter, a half, three quarters or all
 * of the CPU and RAM that the cluster has for its GPU.
 */
export const useOfDevice = 4 * 6 * 4;

/** Copies of one size, added up over the four parts: `copies` by its devices, `enough` times all of its CPU and RAM. */
function fill(copies: number, enough: number): number {
  if (copies === 0) return 0;
  return (
    Math.min(copies, Math.floor(enough * 4)) +
    Math.min(copies, Math.floor(enough * 2)) +
    Math.min(copies, Math.floor((enough * 4) / 3)) +
    Math.min(copies, Math.floor(enough))
  );
}

export class Yardsticks {
  /** How much GPU, in devices, the cluster's GPU nodes have for each thousandth of CPU and of RAM. */
  readonly #perCpu: number;
  readonly #perRam: number;

  constructor(nodes: readonly Node[]) {
    const withGpu = nodes.filter(({ devices }) => devices.length > 0);
    const sum = (of: (node: Node) => number) => withGpu.reduce((total, node) => total + of(node), 0);
    const devices = sum((node) => node.devices.length);
    this.#perCpu =
      devices /
      Math.max(
        1,
        sum(({ total }) => total.cpu),
      );
    this.#perRam =
      devices /
      Math.max(
        1,
        sum(({ total }) => total.ram),
      );
  }

  /**
   * The use of a node with so much free CPU and RAM, whose devices have room for so many quarters and so many halves of one, and of
   * which so many are idle: a whole number, in parts of `useOfDevice`.
   */
  use(cpu: number, ram: number, quarters: number, halves: number, idle: number): number {
    if (quarters === 0) return 0;
    // In yardsticks of one device: how many of them the CPU and the RAM are enough for.
    const enough = Math.min(cpu * this.#perCpu, ram * this.#perRam);
    return (
      fill(quarters, enough * 4) +
      2 * fill(halves, enough * 2) +
      4 * fill(idle, enough) +
      8 * fill(idle >> 1, enough / 2) +
      16 * fill(idle >> 2, enough / 4) +
      32 * fill(idle >> 3, enough / 8)
    );
  }
}
