/**
 * The state of one cluster as the planner keeps it: who waits, who holds what, and the room that is left. It is changed by what
 * happens, a step each; nothing in it depends on the way by which it came about.
 */

import type { Earliest } from './earliest.ts';
import type {
  Claim,
  DeploymentState,
  Device,
  Holding,
  Node,
  Placement,
  PortUse,
  QueuedDeployment,
  Snapshot,
} from './model.ts';
import type { Nearest } from './nearest.ts';
import { Queue } from './queue.ts';
import { Room } from './room.ts';
import { Runs } from './runs.ts';

export class ClusterState {
  readonly queue: Queue;
  /** What is free. Nothing is placed on nodes that are closed. */
  readonly room: Room;
  /** What would be free if nothing ran. */
  readonly empty: Room;
  /**
   * What will be free when all has ended that ever ends by itself. Services do not: to keep room in the hope that one of them
   * goes would keep it for ever.
   */
  readonly best: Room;
  readonly claims = new Map<string, Claim>();
  /** Host ports of its machines that deployments of other clusters have. */
  foreignPorts: readonly PortUse[] = [];
  /** What has been learned of how long deployments run. */
  runs: Runs;
  /** By node: what is held there and must have ended by a known time. */
  readonly ending = new Map<number, Set<Holding>>();
  /** Where the one for whom room is kept comes nearest; remembered from pass to pass. */
  nearest: Nearest | null = null;
  /** When the one for whom room is kept can start; remembered from pass to pass. */
  earliest: Earliest | null = null;
  readonly #holdings = new Map<string, Holding[]>();
  readonly #numbers: ReadonlyMap<string, number>;
  #everything: Room | null = null;

  constructor(snapshot: Snapshot) {
    this.room = new Room(snapshot.nodes);
    this.queue = new Queue(snapshot.queue, this.room.hasWindows);
    this.empty = new Room(snapshot.nodes, 'emptied');
    this.best = new Room(snapshot.nodes, 'emptied');
    this.#numbers = new Map(this.room.nodes.map((node, number) => [node.id, number]));
    for (const holding of snapshot.holdings) {
      this.#keep(holding);
      // What nodes say is free leaves out amounts only.
      if (holding.hostPorts !== undefined) this.room.ports.change(this.numberOf(holding.nodeId), holding.hostPorts, -1);
    }
    this.setForeignPorts(snapshot.foreignPorts ?? []);
    this.runs = new Runs(snapshot.runs ?? {});
    this.setClaims(snapshot.claims ?? []);
  }

  /** What there would be if nothing ran and no node were closed. */
  get everything(): Room {
    this.#everything ??= new Room(this.room.nodes, 'emptied and opened');
    return this.#everything;
  }

  get holdings(): readonly Holding[] {
    return [...this.#holdings.values()].flat();
  }

  holdingsOf(deploymentId: string): readonly Holding[] {
    return this.#holdings.get(deploymentId) ?? [];
  }

  /** The number of a node in the rooms; -1 where there is none of this id. */
  numberOf(nodeId: string): number {
    return this.#numbers.get(nodeId) ?? -1;
  }

  submit(deployment: QueuedDeployment): boolean {
    return this.queue.add(deployment);
  }

  withdraw(id: string): QueuedDeployment | undefined {
    const removed = this.queue.remove(id);
    if (removed === undefined) return undefined;
    this.claims.delete(id);
    for (const shape of removed.forgotten) for (const room of [this.room, this.empty, this.best]) room.forget(shape);
    return removed.deployment;
  }

  /** A queued deployment starts: it holds what it was given from now on. */
  start(id: string, placements: readonly Placement[], now: number): boolean {
    const deployment = this.withdraw(id);
    if (deployment === undefined) return false;
    const { timeLimit, priority, user } = deployment;
    for (const { nodeId, resources, devices, hostPorts } of placements) {
      const holding = {
        deploymentId: id,
        nodeId,
        resources,
        devices,
        ...(hostPorts !== undefined && { hostPorts }),
        endsBy: timeLimit === null ? null : now + timeLimit,
        priority,
        startedAt: now,
        ...(deployment.isService === true && { isService: true }),
        ...(user !== undefined && { user }),
      };
      this.#hold(holding);
    }
    return true;
  }

  /** From here on it is as somebody who looked says: what it was before does not matter. */
  reconcile(id: string, { queued, holdings }: DeploymentState): void {
    if (!isAlike(this.queue.find(id) ?? null, queued)) {
      this.withdraw(id);
      if (queued !== null) this.submit(queued);
    }
    if (isAlike(this.holdingsOf(id), holdings)) return;
    this.release(id);
    for (const holding of holdings) this.#hold(holding);
  }

  /** These are all the claims that there are. */
  setClaims(claims: readonly Claim[]): void {
    this.claims.clear();
    for (const claim of claims) this.claims.set(claim.deploymentId, claim);
  }

  /** These are all the host ports that deployments of other clusters have. Nobody knows whether those ever end. */
  setForeignPorts(uses: readonly PortUse[]): void {
    for (const room of [this.room, this.best]) {
      room.ports.changeForeign(this.foreignPorts, 1);
      room.ports.changeForeign(uses, -1);
    }
    this.foreignPorts = uses;
  }

  /** A deployment has ended: what its replicas hold is free again. With the time, it is learned how long it ran. */
  release(deploymentId: string, now?: number): boolean {
    const held = this.#holdings.get(deploymentId);
    if (held === undefined) return false;
    this.#holdings.delete(deploymentId);
    const { user, startedAt, isStopping, isService: wasService } = held[0] ?? {};
    // What was told to stop says nothing about how long it would have run, and a service nothing about jobs.
    const isRun = now !== undefined && startedAt !== undefined && isStopping !== true && wasService !== true;
    if (isRun && user !== undefined) this.runs.learn(user, now - startedAt);
    for (const holding of held) {
      const { nodeId, isService } = holding;
      const node = this.numberOf(nodeId);
      if (node === -1) continue;
      this.ending.get(node)?.delete(holding);
      this.room.adjust(node, holding, 1);
      if (isService === true) this.best.adjust(node, holding, 1);
    }
    return true;
  }

  /** Others are told to stop for one that is queued: its places are its own from now on. */
  preempt(claim: Claim): void {
    this.claims.set(claim.deploymentId, claim);
    for (const id of claim.victims ?? []) this.stopping(id);
  }

  /** It is being stopped: what it holds comes free soon. */
  stopping(deploymentId: string): void {
    const held = this.#holdings.get(deploymentId) ?? [];
    for (const [i, holding] of held.entries()) {
      const stopping = { ...holding, isStopping: true };
      held[i] = stopping;
      const ending = this.ending.get(this.numberOf(holding.nodeId));
      if (ending?.delete(holding) === true) ending.add(stopping);
    }
  }

  setSchedulable(nodeId: string, schedulable: boolean): void {
    const node = this.numberOf(nodeId);
    if (node === -1) return;
    for (const room of [this.room, this.empty, this.best]) room.setClosed(node, !schedulable);
  }

  /** The state as a snapshot. */
  snapshot(): Snapshot {
    const nodes = this.room.nodes.map((_, number) => this.nodeAt(number));
    const claims = [...this.claims.values()];
    const { holdings, foreignPorts } = this;
    return { nodes, queue: this.queue.deployments, holdings, claims, foreignPorts, runs: this.runs.known };
  }

  /** The node as it is now. */
  nodeAt(number: number): Node {
    const { now, closed } = this.room;
    const node = this.room.nodes[number] as Node;
    const devices = node.devices.map((device) => ({
      ...device,
      free: now.device[this.room.deviceAt(number, device.index)] ?? 0,
    }));
    const gpu = node.free.gpu + sumOf(devices) - sumOf(node.devices);
    const free = { ram: now.ram[number] ?? 0, cpu: now.cpu[number] ?? 0, gpu };
    return { ...node, free, devices, schedulable: closed[number] === 0 };
  }

  /** It holds that from now on, and it is not free any more. */
  #hold(holding: Holding): void {
    this.#keep(holding);
    const node = this.numberOf(holding.nodeId);
    if (node !== -1) this.room.adjust(node, holding, -1);
  }

  /** Notes what the free room leaves out already. */
  #keep(holding: Holding): void {
    const others = this.#holdings.get(holding.deploymentId);
    if (others === undefined) this.#holdings.set(holding.deploymentId, [holding]);
    else others.push(holding);
    const node = this.numberOf(holding.nodeId);
    if (node !== -1 && holding.endsBy !== null) {
      let ending = this.ending.get(node);
      if (ending === undefined) this.ending.set(node, (ending = new Set()));
      ending.add(holding);
    }
    if (holding.isService === true && node !== -1) this.best.adjust(node, holding, -1);
  }
}

/** Plain data of one making: it is alike where it is written alike. */
function isAlike(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function sumOf(devices: readonly Device[]): number {
  return devices.reduce((sum, { free }) => sum + free, 0);
}
