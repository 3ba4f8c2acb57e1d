/**
 * The fixed host ports of the machines that nodes stand for: which are taken. Several nodes may stand for one machine, and what one of
 * them takes is taken on all.
 */
import type { HostPort, Node, PortUse } from './model.ts';
import type { Asker } from './room.ts';

export class MachinePorts {
  /** By node: the number of its machine. */
  readonly #machines: Int32Array;
  readonly #numbers: ReadonlyMap<string, number>;
  /** By machine: how many have a port. More than one only where it is promised to somebody while another still has it. */
  readonly #taken: Map<number, Map<HostPort, number>>;
  /** By machine: what restrained askers may not take. */
  #kept: ReadonlyMap<number, ReadonlySet<HostPort>> = new Map();

  constructor(of: readonly Node[] | MachinePorts) {
    if (of instanceof MachinePorts) {
      this.#machines = of.#machines;
      this.#numbers = of.#numbers;
      this.#taken = new Map([...of.#taken].map(([machine, ports]) => [machine, new Map(ports)]));
      return;
    }
    const numbers = new Map<string, number>();
    this.#machines = Int32Array.from(of, (node) => {
      const name = machineOf(node);
      const number = numbers.get(name) ?? numbers.size;
      numbers.set(name, number);
      return number;
    });
    this.#numbers = numbers;
    this.#taken = new Map();
  }

  /** The same, to try something on. What is kept is not copied. */
  copy(): MachinePorts {
    return new MachinePorts(this);
  }

  /** The number of the machine that a node stands for. */
  machineOf(node: number): number {
    return this.#machines[node] ?? -1;
  }

  /** By machine: the numbers of its nodes. */
  nodesByMachine(): Map<number, number[]> {
    const nodes = new Map<number, number[]>();
    for (const [node, machine] of this.#machines.entries()) nodes.set(machine, [...(nodes.get(machine) ?? []), node]);
    return nodes;
  }

  /** Nobody has any of these on the machine of the node, and none is kept for somebody else. */
  areFree(node: number, ports: readonly HostPort[], asker: Asker): boolean {
    const machine = this.machineOf(node);
    const taken = this.#taken.get(machine);
    const kept = asker === 'restrained' ? this.#kept.get(machine) : undefined;
    return ports.every((port) => (taken?.get(port) ?? 0) === 0 && kept?.has(port) !== true);
  }

  /** Frees ports on the machine of a node, or takes them. */
  change(node: number, ports: readonly HostPort[], sign: 1 | -1): void {
    this.#change(this.machineOf(node), ports, sign);
  }

  /** The same for what others than the nodes' own deployments have; on a machine that no node stands for, nothing. */
  changeForeign(uses: readonly PortUse[], sign: 1 | -1): void {
    for (const { machine, port } of uses) {
      const number = this.#numbers.get(machine);
      if (number !== undefined) this.#change(number, [port], sign);
    }
  }

  #change(machine: number, ports: readonly HostPort[], sign: 1 | -1): void {
    let taken = this.#taken.get(machine);
    if (taken === undefined) this.#taken.set(machine, (taken = new Map()));
    for (const port of ports) taken.set(port, (taken.get(port) ?? 0) - sign);
  }

  /** From here on, restrained askers may not take these on the machines of these nodes. */
  keep(kept: readonly { readonly node: number; readonly ports: readonly HostPort[] }[]): void {
    const byMachine = new Map<number, Set<HostPort>>();
    for (const { node, ports } of kept) {
      if (ports.length === 0) continue;
      const machine = this.machineOf(node);
      byMachine.set(machine, new Set([...(byMachine.get(machine) ?? []), ...ports]));
    }
    this.#kept = byMachine;
  }

  /** All that is taken on the machine of a node, each as often as it is. */
  takenOn(node: number): HostPort[] {
    const taken = [...(this.#taken.get(this.machineOf(node)) ?? [])];
    return taken.flatMap(([port, count]) => Array.from({ length: Math.max(0, count) }, () => port)).toSorted();
  }
}

/** The machine that a node stands for; by itself it is one of its own. */
export function machineOf({ machine, id }: Pick<Node, 'machine' | 'id'>): string {
  return machine ?? id;
}
