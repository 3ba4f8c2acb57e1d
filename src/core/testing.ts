/** Builders for the core's tests: amounts in GB, cores and devices, so that a test reads like its conformance example. */
import type { Holding, Node, Plan, Policy, QueuedDeployment, Request, Resources, Snapshot } from './model.ts';

export const hour = 3_600_000;

export const defaultPolicy: Policy = { agingInterval: hour, reservationAfter: 2 * hour, maxAdmissions: 500 };

export function amounts(ram: number, cpu: number, gpu = 0): Resources {
  return { ram: ram * 1000, cpu: cpu * 1000, gpu: gpu * 1000 };
}

/** A node, empty, with as many devices of the model as it has GPUs. */
export function node(id: string, ram: number, cpu: number, gpu = 0, model = 'a100'): Node {
  const total = amounts(ram, cpu, gpu);
  const devices = Array.from({ length: gpu }, (_, index) => ({ index, model, free: 1000 }));
  return { id, name: id, total, free: total, devices, schedulable: true };
}

export function request(ram: number, cpu: number, gpu = 0, replicas = 1, gpuModels: readonly string[] = []): Request {
  return { perReplica: amounts(ram, cpu, gpu), replicas, gpuModels };
}

export function queued(id: string, of: Request, more: Partial<QueuedDeployment> = {}): QueuedDeployment {
  return { id, request: of, priority: 50, queuedAt: 0, timeLimit: null, ...more };
}

/** The nodes with these holdings taken off what is free. */
export function occupied(nodes: readonly Node[], holdings: readonly Holding[]): Node[] {
  return nodes.map((one) => {
    const held = holdings.filter((holding) => holding.nodeId === one.id);
    const sum = (dimension: keyof Resources) => held.reduce((total, { resources }) => total + resources[dimension], 0);
    const ofDevice = (index: number) =>
      held
        .flatMap(({ devices }) => devices)
        .reduce((total, share) => total + (share.index === index ? share.amount : 0), 0);
    return {
      ...one,
      free: { ram: one.free.ram - sum('ram'), cpu: one.free.cpu - sum('cpu'), gpu: one.free.gpu - sum('gpu') },
      devices: one.devices.map((device) => ({ ...device, free: device.free - ofDevice(device.index) })),
      takenPorts: takenWith(one, nodes, holdings),
    };
  });
}

/** What is taken of its machine with these holdings; "-tcp/80" gives "tcp/80" back. */
function takenWith({ id, machine = id, takenPorts = [] }: Node, nodes: readonly Node[], holdings: readonly Holding[]) {
  const ofMachine = new Set(nodes.filter((one) => (one.machine ?? one.id) === machine).map((one) => one.id));
  const changes = holdings.filter(({ nodeId }) => ofMachine.has(nodeId)).flatMap(({ hostPorts = [] }) => hostPorts);
  const given = new Set(changes.filter((port) => port.startsWith('-')).map((port) => port.slice(1)));
  const taken = [...takenPorts, ...changes.filter((port) => !port.startsWith('-'))];
  return taken.filter((port) => !given.has(port));
}

/** What the plan placed, as holdings. */
export function placedBy(plan: Plan, snapshot: Snapshot, now = 0): Holding[] {
  return plan.decisions.flatMap((decision) => {
    if (decision.kind !== 'place') return [];
    const limit = snapshot.queue.find(({ id }) => id === decision.deploymentId)?.timeLimit ?? null;
    return decision.placements.map(({ nodeId, resources, devices, hostPorts }) => ({
      deploymentId: decision.deploymentId,
      nodeId,
      resources,
      devices,
      ...(hostPorts !== undefined && { hostPorts }),
      endsBy: limit === null ? null : now + limit,
    }));
  });
}

/** The snapshot after the plan was committed. */
export function applied(plan: Plan, snapshot: Snapshot, now = 0): Snapshot {
  const holdings = placedBy(plan, snapshot, now);
  const placed = new Set(admittedOf(plan));
  return {
    nodes: occupied(snapshot.nodes, holdings),
    queue: snapshot.queue.filter(({ id }) => !placed.has(id)),
    holdings: [...snapshot.holdings, ...holdings],
  };
}

/** Ids of the admitted, in the order of the plan. */
export function admittedOf(plan: Plan): string[] {
  return plan.decisions.flatMap((decision) => (decision.kind === 'place' ? [decision.deploymentId] : []));
}
