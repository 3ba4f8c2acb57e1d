/** Where things fit, by trying everything: no code of the planner. */
import type { Node, QueuedDeployment } from '../../src/core/model.ts';

/**
 * A state is for each node [replicas of the one that is being placed, ram, cpu, ...devices]; and after the nodes, [0, ...ports taken, by
 * machine, a bit for each].
 */
export type State = readonly (readonly number[])[];

export function stateOf(all: readonly Node[]): State {
  const nodes = all.map((node) => [
    0,
    node.schedulable ? node.free.ram : -1,
    node.free.cpu,
    ...node.devices.toSorted((a, b) => a.index - b.index).map(({ free }) => free),
  ]);
  const machines = [...new Set(all.map(machineOf))];
  const taken = machines.map((machine) =>
    all.filter((node) => machineOf(node) === machine).reduce((bits, node) => bits | bitsOf(node.takenPorts), 0),
  );
  return [...nodes, [0, ...taken]];
}

const machineOf = ({ id, machine }: Node) => machine ?? id;

const bitsOf = (ports: readonly string[] = []) =>
  ports.reduce((bits, port) => bits | (1 << ['tcp/80', 'tcp/81'].indexOf(port)), 0);

/** For each node, which of its devices suit a request; null where the node does not. */
type Suitable = readonly (readonly number[] | null)[];

function suitableFor(
  all: readonly Node[],
  { gpuModels, gpuMemory = 0, nodeLabels = {} }: QueuedDeployment['request'],
): Suitable {
  return all.map(({ labels, devices }) => {
    if (Object.entries(nodeLabels).some(([name, value]) => labels?.[name] !== value)) return null;
    return devices
      .toSorted((a, b) => a.index - b.index)
      .flatMap(({ model, memory = 0 }, d) =>
        (gpuModels.length === 0 || gpuModels.includes(model)) && memory >= gpuMemory ? [d] : [],
      );
  });
}

/** Every state that may follow when one replica is placed, over all nodes and all choices of devices. */
function afterOne(
  state: State,
  all: readonly Node[],
  suitable: Suitable,
  { perReplica, maxPerNode, hostPorts }: QueuedDeployment['request'],
): State[] {
  const machines = [...new Set(all.map(machineOf))];
  const needed = bitsOf(hostPorts);
  return state.slice(0, all.length).flatMap((node, n) => {
    const ports = state[all.length] ?? [];
    const machine = 1 + machines.indexOf(machineOf(all[n] as Node));
    if (((ports[machine] ?? 0) & needed) !== 0) return [];
    const [here = 0, ram = 0, cpu = 0, ...devices] = node;
    const suitableHere = suitable[n] ?? null;
    if (suitableHere === null || ram < perReplica.ram || cpu < perReplica.cpu) return [];
    if (here >= (maxPerNode || Number.POSITIVE_INFINITY)) return [];
    return deviceStates(devices, suitableHere, perReplica.gpu).map((next) =>
      state
        .with(n, [here + 1, ram - perReplica.ram, cpu - perReplica.cpu, ...next])
        .with(all.length, ports.with(machine, (ports[machine] ?? 0) | needed)),
    );
  });
}

function deviceStates(devices: readonly number[], suitable: readonly number[], gpu: number): (readonly number[])[] {
  if (gpu === 0) return [devices];
  if (gpu < 1000)
    return suitable.filter((d) => (devices[d] ?? 0) >= gpu).map((d) => devices.with(d, (devices[d] ?? 0) - gpu));
  return suitable
    .filter((d) => devices[d] === 1000)
    .flatMap((d) =>
      deviceStates(
        devices.with(d, 0),
        suitable.filter((other) => other > d),
        gpu - 1000,
      ),
    );
}

export function afterAll(state: State, all: readonly Node[], { request }: QueuedDeployment): State[] {
  const suitable = suitableFor(all, request);
  let states = new Map([[JSON.stringify(state), state]]);
  for (let replica = 0; replica < request.replicas; replica++) {
    const next = [...states.values()].flatMap((one) => afterOne(one, all, suitable, request));
    states = new Map(next.map((one) => [JSON.stringify(one), one]));
  }
  return [...states.values()].map((nodesThen) => nodesThen.map((node) => node.with(0, 0)));
}

export function canPlace(all: readonly Node[], deployment: QueuedDeployment): boolean {
  return afterAll(stateOf(all), all, deployment).length > 0;
}

/**
 * As many as can be of the first level, then with that of the second, and so on, whatever stands where: every subset, every assignment.
 * Equal states are followed once, with the best counts on the way: whatever comes after is the same for both.
 */
export function mostInTurn(all: readonly Node[], levels: readonly (readonly QueuedDeployment[])[]): number[] {
  let reached = new Map<string, number[]>([[JSON.stringify(stateOf(all)), levels.map(() => 0)]]);
  for (const [l, level] of levels.entries()) {
    for (const one of level) {
      const next = new Map(reached);
      for (const [state, counts] of reached) {
        const more = counts.with(l, (counts[l] ?? 0) + 1);
        for (const after of afterAll(JSON.parse(state), all, one).map((then) => JSON.stringify(then))) {
          const known = next.get(after);
          if (known === undefined || isMore(more, known)) next.set(after, more);
        }
      }
      reached = next;
    }
  }
  return [...reached.values()].reduce((a, b) => (isMore(b, a) ? b : a));
}

function isMore(a: readonly number[], b: readonly number[]): boolean {
  const differs = a.findIndex((count, i) => count !== b[i]);
  return differs !== -1 && (a[differs] ?? 0) > (b[differs] ?? 0);
}
