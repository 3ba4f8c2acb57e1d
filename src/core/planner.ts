/**
 * The planner with a memory: it keeps the state of one cluster, is told what happens to it, and plans when asked.
 *
 * What it plans depends on the state alone, never on how the state came about: `pass(now)` decides what `plan` would on
 * `snapshot()`.
 */
import type {
  Decision,
  Holding,
  Node,
  Place,
  Plan,
  Policy,
  Quality,
  QueuedDeployment,
  Reservation,
  Snapshot,
} from './model.ts';
import { plan } from './plan.ts';

/** What one pass decided. */
export interface PassResult {
  readonly places: readonly Place[];
  readonly reservations: readonly Reservation[];
  readonly quality: Quality;
  /** Everybody's standing, in the order of the scheduler; costs about the length of the queue. */
  decisions(): readonly Decision[];
}

export class Planner {
  policy: Policy;
  #nodes: Node[];
  readonly #queue = new Map<string, QueuedDeployment>();
  readonly #holdings = new Map<string, Holding[]>();

  constructor(snapshot: Snapshot, policy: Policy) {
    this.policy = policy;
    this.#nodes = [...snapshot.nodes];
    for (const deployment of snapshot.queue) this.#queue.set(deployment.id, deployment);
    for (const holding of snapshot.holdings) this.#hold(holding);
  }

  /** How many wait. */
  get queued(): number {
    return this.#queue.size;
  }

  /** A deployment enters the queue. */
  submit(deployment: QueuedDeployment): void {
    this.#queue.set(deployment.id, deployment);
  }

  /** A deployment leaves the queue without being started; false where it is not queued. */
  withdraw(id: string): boolean {
    return this.#queue.delete(id);
  }

  /** A queued deployment gets another priority, and keeps its age; false where it is not queued. */
  reprioritize(id: string, priority: number): boolean {
    const deployment = this.#queue.get(id);
    if (deployment !== undefined) this.#queue.set(id, { ...deployment, priority });
    return deployment !== undefined;
  }

  /** A deployment has ended: what its replicas hold is free again. False where it holds nothing. */
  release(deploymentId: string): boolean {
    const held = this.#holdings.get(deploymentId);
    if (held === undefined) return false;
    this.#holdings.delete(deploymentId);
    for (const holding of held) this.#change(holding, 1);
    return true;
  }

  /** Nothing new is placed on the node, or again. */
  setSchedulable(nodeId: string, schedulable: boolean): void {
    this.#nodes = this.#nodes.map((node) => (node.id === nodeId ? { ...node, schedulable } : node));
  }

  /** Decides who starts now and where. Changes nothing: whoever is started is told to `start`. */
  pass(now: number): PassResult {
    const result: Plan = plan(this.snapshot(), this.policy, now);
    const places = result.decisions.filter((decision) => decision.kind === 'place');
    return { ...result, places, decisions: () => result.decisions };
  }

  /** These were started as the pass before decided: they leave the queue and hold what they were given. */
  start(places: readonly Place[], now: number): void {
    for (const place of places) {
      const deployment = this.#queue.get(place.deploymentId);
      if (deployment === undefined) continue;
      this.#queue.delete(place.deploymentId);
      const endsBy = deployment.timeLimit === null ? null : now + deployment.timeLimit;
      const { user, priority } = deployment;
      for (const { nodeId, resources, devices } of place.placements) {
        const holding = { deploymentId: deployment.id, nodeId, resources, devices, endsBy, priority, startedAt: now };
        this.#hold(user === undefined ? holding : { ...holding, user });
        this.#change(holding, -1);
      }
    }
  }

  /** The state as it is now. */
  snapshot(): Snapshot {
    return { nodes: this.#nodes, queue: [...this.#queue.values()], holdings: [...this.#holdings.values()].flat() };
  }

  #hold(holding: Holding): void {
    const others = this.#holdings.get(holding.deploymentId);
    if (others === undefined) this.#holdings.set(holding.deploymentId, [holding]);
    else others.push(holding);
  }

  #change({ nodeId, resources, devices }: Holding, sign: 1 | -1): void {
    this.#nodes = this.#nodes.map((node) => {
      if (node.id !== nodeId) return node;
      const { free } = node;
      const amountOf = (index: number) => devices.find((share) => share.index === index)?.amount ?? 0;
      return {
        ...node,
        free: {
          ram: free.ram + sign * resources.ram,
          cpu: free.cpu + sign * resources.cpu,
          gpu: free.gpu + sign * resources.gpu,
        },
        devices: node.devices.map((device) => ({ ...device, free: device.free + sign * amountOf(device.index) })),
      };
    });
  }
}
