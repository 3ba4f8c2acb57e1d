import type { PassOutcome } from '../../control/control-plane.ts';
import { readNames } from '../../store/deployments.ts';
import type { Scope } from '../../store/scope.ts';
import { scopeOf } from '../auth.ts';
import { changeOfPolicy } from '../cluster-bodies.ts';
import type { Routes } from '../context.ts';
import { knownCluster } from '../known-cluster.ts';
import { listedDecisions, namedIn, presentPassResult } from '../present/decisions.ts';
import { PolicyUpdate } from '../schemas/clusters.ts';
import { idParams } from '../schemas/common.ts';
import { PolicyPreview } from '../schemas/scheduling.ts';

export const registerPolicyPreviewRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

  async function present(scope: Scope, outcome: PassOutcome) {
    const listed = listedDecisions(outcome);
    const ids = [...listed.map(({ deploymentId }) => deploymentId), ...namedIn(listed)];
    return presentPassResult(outcome, listed, await readNames(db, scope, ids));
  }

  api.post(
    '/clusters/:id/policy/preview',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'previewPolicy',
        summary: 'What the next pass would decide with a changed policy, beside what it would now',
        description: 'Nothing is written.',
        tags: ['Scheduling'],
        params: idParams,
        body: PolicyUpdate,
        response: { 200: PolicyPreview },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const clusterId = await knownCluster(deps, scope, request.params.id);
      const { current, changed } = await control.previewPolicy(clusterId, changeOfPolicy(request.body));
      return { current: await present(scope, current), changed: await present(scope, changed) };
    },
  );
};
