import type { CurrentPlan } from '../control/control-plane.ts';
import type { Claim, Decision, Request } from '../core/model.ts';

/** A plan with its snapshot, indexed for who asks about one deployment or one node of them. */
export interface PlanView {
  readonly decisions: readonly Decision[];
  /** The place among the decisions; undefined for who is not in the plan. */
  indexOf(deploymentId: string): number | undefined;
  requestOf(deploymentId: string): Request;
  /** What is kept for it while others are being stopped; undefined where nothing is. */
  claimOf(deploymentId: string): Claim | undefined;
  /** A decision knows ids, people know names. */
  nodeName(nodeId: string): string;
  isPlanned(deploymentId: string): boolean;
  /** When the last of its deployments entered the queue, milliseconds since the epoch; 0 where it has none. */
  readonly newestQueuedAt: number;
}

const views = new WeakMap<CurrentPlan['plan'], PlanView>();

/** One plan answers many requests: it is indexed once. */
export function viewOf(current: CurrentPlan): PlanView {
  const known = views.get(current.plan);
  if (known !== undefined) return known;
  const view = index(current);
  views.set(current.plan, view);
  return view;
}

function index({ plan, snapshot }: CurrentPlan): PlanView {
  const places = new Map(plan.decisions.map(({ deploymentId }, place) => [deploymentId, place]));
  const requests = new Map(snapshot.queue.map(({ id, request }) => [id, request]));
  const claims = new Map((snapshot.claims ?? []).map((claim) => [claim.deploymentId, claim]));
  const names = new Map(snapshot.nodes.map(({ id, name }) => [id, name]));
  return {
    decisions: plan.decisions,
    indexOf: (deploymentId) => places.get(deploymentId),
    requestOf(deploymentId) {
      const request = requests.get(deploymentId);
      if (request === undefined)
        throw new Error(`the plan decides on ${deploymentId}, which its snapshot does not have`);
      return request;
    },
    claimOf: (deploymentId) => claims.get(deploymentId),
    nodeName: (nodeId) => names.get(nodeId) ?? nodeId,
    isPlanned: (deploymentId) => places.has(deploymentId),
    newestQueuedAt: snapshot.queue.reduce((newest, { queuedAt }) => Math.max(newest, queuedAt), 0),
  };
}
