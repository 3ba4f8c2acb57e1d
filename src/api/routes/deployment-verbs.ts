/** What people do to a deployment beside reading it: cancel, stop, retry, delete. */
import { z } from 'zod';
import type { ControlPlane } from '../../control/control-plane.ts';
import { readReady } from '../../store/health.ts';
import {
  cancelDeployment,
  deleteDeployment,
  retryDeployment,
  stopDeployment,
  type TransitionOutcome,
} from '../../store/transitions.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import type { ErrorCode } from '../errors.ts';
import { setEtag } from '../etag.ts';
import { passOn } from '../pass-on.ts';
import { presentDeployment } from '../present/deployments.ts';
import { refusal } from '../refusal.ts';
import { ForceQuery } from '../schemas/arrays.ts';
import { idParams } from '../schemas/common.ts';
import { Deployment } from '../schemas/deployments.ts';

interface Verb {
  readonly name: 'cancel' | 'stop' | 'retry';
  readonly summary: string;
  readonly apply: typeof cancelDeployment;
  readonly errors: readonly ErrorCode[];
}

const verbs: readonly Verb[] = [
  { name: 'cancel', summary: 'Withdraw a deployment', apply: cancelDeployment, errors: ['illegal_transition'] },
  { name: 'stop', summary: 'Stop an active deployment', apply: stopDeployment, errors: ['illegal_transition'] },
  {
    name: 'retry',
    summary: 'Queue a finished deployment again',
    apply: retryDeployment,
    errors: ['illegal_transition', 'cluster_deleting'],
  },
];

export const registerDeploymentVerbRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

  for (const verb of verbs) {
    api.post(
      `/deployments/:id/${verb.name}`,
      {
        config: { role: 'developer', errors: verb.errors },
        schema: {
          operationId: `${verb.name}Deployment`,
          summary: verb.summary,
          tags: ['Deployments'],
          params: idParams,
          response: { 200: Deployment },
        },
      },
      async (request, reply) => {
        const id = pathId(request.params.id, 'deployment');
        const outcome = await verb.apply(db, scopeOf(request), id, actorOf(request));
        const deployment = deploymentOf(outcome, verb.name, control);
        setEtag(reply, deployment.version);
        return presentDeployment(deployment, await readReady(db, scopeOf(request), [deployment]));
      },
    );
  }

  api.delete(
    '/deployments/:id',
    {
      config: { role: 'developer', errors: ['illegal_transition', 'has_dependents'] },
      schema: {
        operationId: 'deleteDeployment',
        summary: 'Delete a deployment, stopping it first where it is active',
        tags: ['Deployments'],
        params: idParams,
        querystring: ForceQuery,
        response: {
          202: Deployment.describe('It is being stopped, and goes then.'),
          204: z.undefined().describe('Deleted.'),
        },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'deployment');
      const outcome = await deleteDeployment(db, scopeOf(request), id, actorOf(request), request.query);
      const deployment = deploymentOf(outcome, 'delete', control);
      if (outcome.kind === 'done' && outcome.removed) return reply.code(204).send();
      setEtag(reply, deployment.version);
      const ready = await readReady(db, scopeOf(request), [deployment]);
      return reply.code(202).send(presentDeployment(deployment, ready));
    },
  );
};

type DoneOutcome = Extract<TransitionOutcome, { kind: 'done' }>;

/** Passes on what was done to the control plane, or throws what stood in the way. */
function deploymentOf(
  outcome: TransitionOutcome,
  verb: Verb['name'] | 'delete',
  control: ControlPlane,
): DoneOutcome['deployment'] {
  if (outcome.kind !== 'done') throw refusal(outcome, verb);
  const { deployment } = outcome;
  passOn([deployment], control);
  return deployment;
}
