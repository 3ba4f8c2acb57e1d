/** Where one replica of a running service goes: one that is added, or one whose next run needs other resources than it has. */
import { explainWait } from './explain.ts';
import type { DeviceShare, Node, Placement, Policy, QueuedDeployment, Request } from './model.ts';
import { plan } from './plan.ts';
import { fits, freed } from './resources.ts';

export interface Asked {
  /** As the planner sees the nodes of the cluster, with what is free. */
  readonly nodes: readonly Node[];
  readonly request: Request;
  readonly replica: number;
  /** What it holds now, and gives back when it moves; null where it is new. */
  readonly held: Placement | null;
  /** On which nodes the others of its deployment are, one entry for each. */
  readonly others: readonly string[];
}

export type Answer =
  | {
      readonly kind: 'place';
      readonly placement: Placement;
      /** What has to be held for it until then, beside what it holds: nothing where it becomes smaller. */
      readonly beside: Placement;
    }
  | { readonly kind: 'wait'; readonly message: string };

/** Where it is, if there is room counting its own; else wherever the planner would put it, if nobody else waited. */
export function placeReplica(asked: Asked): Answer {
  const nodes = asked.nodes.map((node) => openTo(asked, node));
  const own = nodes.find(({ id }) => id === asked.held?.nodeId);
  if (own !== undefined && asked.held !== null) {
    const here = ask([freed(own, [asked.held])], asked);
    if (here.kind === 'place') return { ...here, beside: beyond(here.placement, asked.held) };
  }
  const others = nodes.filter((node) => node !== own);
  const there = ask(others, asked);
  return there.kind === 'place' ? { ...there, beside: there.placement } : there;
}

function openTo({ request: { maxPerNode = 0 }, others }: Asked, node: Node): Node {
  const there = others.filter((id) => id === node.id).length;
  return maxPerNode > 0 && there >= maxPerNode ? { ...node, schedulable: false } : node;
}

const alone: Policy = { agingInterval: 0, reservationAfter: Number.POSITIVE_INFINITY, maxAdmissions: 1 };

/** Nobody else is asked about. */
const nameless = () => null;

type Single = { kind: 'place'; placement: Placement } | { kind: 'wait'; message: string };

function ask(nodes: readonly Node[], { request, replica }: Asked): Single {
  const { maxPerNode: _, ...one } = { ...request, replicas: 1 };
  const queued: QueuedDeployment = {
    id: 'replica',
    request: one,
    priority: 1,
    queuedAt: 0,
    timeLimit: null,
    isService: true,
  };
  const [decision] = plan({ nodes, queue: [queued], holdings: [] }, alone, 0).decisions;
  if (decision?.kind === 'wait') return { kind: 'wait', message: explainWait(decision, one, nameless) };
  const found = decision?.placements[0];
  const node = nodes.find(({ id }) => id === found?.nodeId);
  if (found === undefined || node === undefined || !fits(node, [found]))
    return { kind: 'wait', message: 'no node has room' };
  return { kind: 'place', placement: { ...found, replica } };
}

function more(a: number, b: number): number {
  return Math.max(0, a - b);
}

/** What one placement has that another one on the same node has not. */
function beyond(placement: Placement, held: Placement): Placement {
  const heldOf = (index: number) => held.devices.find((share) => share.index === index)?.amount ?? 0;
  const devices = placement.devices
    .map(({ index, amount }): DeviceShare => ({ index, amount: more(amount, heldOf(index)) }))
    .filter(({ amount }) => amount > 0);
  return {
    ...placement,
    devices,
    resources: {
      ram: more(placement.resources.ram, held.resources.ram),
      cpu: more(placement.resources.cpu, held.resources.cpu),
      gpu: devices.reduce((sum, { amount }) => sum + amount, 0),
    },
  };
}
