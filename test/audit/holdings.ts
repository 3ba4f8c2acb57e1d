/** What must hold of allocations at any moment, by what the database has committed. */
import { isActive } from '../../src/core/lifecycle.ts';
import type { AllocationState, DatabaseState, DeviceState, NodeState } from './state.ts';
import { Violation } from './violation.ts';

/** No node and no device gives out more than it has, what is counted is what is held, and exactly those hold who are to. Throws a Violation. */
export function checkHoldings(state: DatabaseState): void {
  for (const node of state.nodes) checkNode(node, state.allocations);
  for (const device of state.devices) checkDevice(device, state.allocations);
  checkHolders(state);
}

function checkNode(node: NodeState, allocations: readonly AllocationState[]): void {
  const held = allocations.filter((one) => one.node_id === node.id);
  for (const dimension of ['ram', 'cpu', 'gpu'] as const) {
    const sum = held.reduce((total, one) => total + one[dimension], 0);
    const counted = node[`${dimension}_allocated`];
    if (sum > node[dimension])
      throw new Violation('over capacity', `${sum} of ${node[dimension]} ${dimension} are held`);
    if (sum !== counted)
      throw new Violation('freed other than once', `${sum} ${dimension} are held, ${counted} counted`);
  }
}

function checkDevice(device: DeviceState, allocations: readonly AllocationState[]): void {
  let sum = 0;
  for (const one of allocations) {
    const place = one.node_id === device.node_id ? one.device_indexes.indexOf(device.index) : -1;
    if (place >= 0) sum += one.device_amounts[place] ?? 0;
  }
  if (sum > 1000) throw new Violation('over capacity', `${sum} of device ${device.index} are held`);
  if (sum !== device.allocated)
    throw new Violation(
      'freed other than once',
      `${sum} of device ${device.index} are held, ${device.allocated} counted`,
    );
}

/** Exactly those hold something that have a container, or are to have one. */
function checkHolders({ deployments, replicas, allocations }: DatabaseState): void {
  const attempts = new Map(
    deployments.filter(({ status }) => isActive(status)).map(({ id, attempt }) => [id, attempt]),
  );
  const entitled = new Set(
    replicas
      .filter((one) => one.status !== 'ended' && attempts.get(one.deployment_id) === one.attempt)
      .map((one) => `${one.deployment_id}/${one.attempt}/${one.index}`),
  );
  const holding = new Set<string>();
  for (const { deployment_id: id, attempt, replica, next } of allocations) {
    const name = `${id}/${attempt}/${replica}`;
    if (!entitled.has(name))
      throw new Violation('freed other than once', `replica ${name} has ended and holds something`);
    const isTwice = holding.has(`${name}/${next}`);
    if (isTwice) throw new Violation('freed other than once', `replica ${name} holds something twice`);
    holding.add(`${name}/${next}`);
  }
  for (const name of entitled) if (holding.has(`${name}/false`)) entitled.delete(name);
  for (const name of entitled)
    throw new Violation('freed other than once', `replica ${name} goes on and holds nothing`);
}
