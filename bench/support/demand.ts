/** A queue by its shapes, as the exact solver wants it; and what a plan makes of it. */
import type { Demand } from '../../src/core/demand.ts';
import type { Holding, Node, Plan, QueuedDeployment, Snapshot } from '../../src/core/model.ts';
import { Room } from '../../src/core/room.ts';
import { type Shape, Shapes, shapeOf } from '../../src/core/shape.ts';
import { applied, occupied, placedBy } from '../../src/core/testing.ts';
import type { Copies } from '../../src/solver/admission-program.ts';

/** `priorities` are the levels: nobody ages. */
export function demandOf(queue: readonly QueuedDeployment[], priorities: readonly number[]): Demand {
  const shapes = new Shapes();
  const numbers = new Map<Shape, number>();
  for (const { request } of queue) {
    const shape = shapes.of(request);
    if (!numbers.has(shape)) numbers.set(shape, numbers.size);
  }
  const counts = priorities.map(() => Array.from(numbers, () => 0));
  for (const { request, priority } of queue) {
    const ofLevel = counts[priorities.indexOf(priority)] ?? [];
    const number = numbers.get(shapes.of(request)) ?? 0;
    ofLevel[number] = (ofLevel[number] ?? 0) + 1;
  }
  return { shapes: [...numbers.keys()], counts };
}

/** Empty nodes that nothing can tell apart, together. */
export function nodeClasses(nodes: readonly Node[]): Copies[] {
  const classes = new Map<string, { node: Node; copies: number }>();
  for (const node of nodes) {
    const key = JSON.stringify([node.total, node.devices.map(({ model }) => model).toSorted()]);
    const known = classes.get(key);
    if (known === undefined) classes.set(key, { node, copies: 1 });
    else known.copies++;
  }
  return [...classes.values()];
}

/** How many of each priority a plan admits. */
export function admittedBy(plan: Plan, priorities: readonly number[]): number[] {
  return priorities.map(
    (priority) => plan.decisions.filter((one) => one.kind === 'place' && one.priority === priority).length,
  );
}

/** Pairs of one that waits and a less important one that runs, in whose place it would fit. */
export function inversions(plan: Plan, snapshot: Snapshot): number {
  const requests = new Map(snapshot.queue.map(({ id, request }) => [id, request]));
  const waiting = plan.decisions.filter(({ kind }) => kind !== 'place');
  const after = applied(plan, snapshot).nodes;
  let found = 0;
  for (const place of plan.decisions) {
    if (place.kind !== 'place') continue;
    const given = placedBy({ ...plan, decisions: [place] }, snapshot).map(negative);
    const without = new Room(occupied(after, given));
    for (const { deploymentId, priority } of waiting) {
      const request = requests.get(deploymentId);
      if (priority < place.priority && request !== undefined && without.holds(shapeOf(request), 'free')) found++;
    }
  }
  return found;
}

function negative(holding: Holding): Holding {
  const { ram, cpu, gpu } = holding.resources;
  const devices = holding.devices.map(({ index, amount }) => ({ index, amount: -amount }));
  return { ...holding, resources: { ram: -ram, cpu: -cpu, gpu: -gpu }, devices };
}
