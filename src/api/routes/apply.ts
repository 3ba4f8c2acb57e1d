import { rememberCapacities } from '../../store/submit-capacity.ts';
import { type ApplyDeps, applyAll, compareAll, comparingOf, presentComparisons } from '../applying.ts';
import type { Routes } from '../context.ts';
import { planAll } from '../planning.ts';
import { ApplyResult, DeploymentApply, DeploymentPlan, DiffResult, PlanResult } from '../schemas/apply.ts';

/** Deployments that are declared in files: what would happen, what differs, and making it so. */
export const registerApplyRoutes: Routes = (api, deps) => {
  const applyDeps: ApplyDeps = { db: deps.db, control: deps.control, capacities: rememberCapacities(deps.db) };

  api.post(
    '/deployments/plan',
    {
      config: { role: 'viewer', errors: ['not_found'] },
      schema: {
        operationId: 'planDeployments',
        summary: 'See what would happen if these were submitted or applied now',
        description: 'Nothing is written. What the next pass really decides depends on what happens until then.',
        tags: ['Deployments'],
        body: DeploymentPlan,
        response: { 200: PlanResult },
      },
    },
    (request) => planAll(applyDeps, request, request.body),
  );

  api.post(
    '/deployments/diff',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'diffDeployments',
        summary: 'Compare what is declared with what is there',
        description: 'Field by field, with the defaults filled in on both sides. Nothing is written.',
        tags: ['Deployments'],
        body: DeploymentApply,
        response: { 200: DiffResult },
      },
    },
    async (request) => {
      const { compared, undeclared } = await compareAll(deps.db, comparingOf(request, request.body), request.body);
      const deployments = presentComparisons(compared, undeclared);
      return { differs: deployments.some(({ action }) => action !== 'unchanged'), deployments };
    },
  );

  api.post(
    '/deployments/apply',
    {
      config: {
        role: 'developer',
        errors: ['not_found', 'cluster_deleting', 'never_fits', 'volumes_apart', 'apply_conflict'],
      },
      schema: {
        operationId: 'applyDeployments',
        summary: 'Make what is there what is declared, by name',
        description: 'All of it or nothing, in one transaction. Applied again, it changes nothing.',
        tags: ['Deployments'],
        body: DeploymentApply,
        response: { 200: ApplyResult },
      },
    },
    (request) => applyAll(applyDeps, comparingOf(request, request.body), request.body),
  );
};
