import { scopeOf } from '../auth.ts';
import { changeOfPolicy } from '../cluster-bodies.ts';
import type { Routes } from '../context.ts';
import { knownCluster } from '../known-cluster.ts';
import { answerOfPass } from '../pass-answer.ts';
import { PolicyUpdate } from '../schemas/clusters.ts';
import { idParams } from '../schemas/common.ts';
import { PolicyPreview } from '../schemas/scheduling.ts';

export const registerPolicyPreviewRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

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
      return {
        current: await answerOfPass(db, scope, current),
        changed: await answerOfPass(db, scope, changed),
      };
    },
  );
};
