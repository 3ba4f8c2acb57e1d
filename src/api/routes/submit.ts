import { z } from 'zod';
import { rememberCapacities } from '../../store/submit-capacity.ts';
import { groupSubmissions } from '../../store/submit-group.ts';
import type { Routes } from '../context.ts';
import type { ErrorCode } from '../errors.ts';
import { setEtag } from '../etag.ts';
import { Deployment, DeploymentBatchCreate, DeploymentCreate } from '../schemas/deployments.ts';
import { type SubmitDeps, submit } from '../submission.ts';

const errors: readonly ErrorCode[] = [
  'not_found',
  'cluster_deleting',
  'idempotency_conflict',
  'never_fits',
  'volumes_apart',
  'unknown_name',
  'host_path_denied',
];

const headers = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .describe(
      '1 to 200 printable characters. Sent again with the same key, a request is answered with what the first made.',
    ),
});

export const registerSubmitRoutes: Routes = (api, deps) => {
  const submitDeps: SubmitDeps = {
    db: deps.db,
    control: deps.control,
    submitter: groupSubmissions(deps.db),
    capacities: rememberCapacities(deps.db),
  };

  api.post(
    '/deployments',
    {
      config: { role: 'developer', errors },
      schema: {
        operationId: 'submitDeployment',
        summary: 'Submit a deployment',
        tags: ['Deployments'],
        headers,
        body: DeploymentCreate,
        response: { 201: Deployment },
      },
      // The busiest route: what it answers was made from validated parts, and is not checked once more.
      serializerCompiler: () => JSON.stringify,
    },
    async (request, reply) => {
      const [deployment] = await submit(submitDeps, request, reply, [request.body], (_index, field) => field);
      if (deployment === undefined) throw new Error('a submission made nothing');
      setEtag(reply, deployment.version);
      return reply.code(201).send(deployment);
    },
  );

  api.post(
    '/deployments/batch',
    {
      config: { role: 'developer', errors },
      schema: {
        operationId: 'submitDeployments',
        summary: 'Submit many deployments, all or none',
        tags: ['Deployments'],
        headers,
        body: DeploymentBatchCreate,
        response: { 201: z.object({ deployments: z.array(Deployment) }) },
      },
      serializerCompiler: () => JSON.stringify,
    },
    async (request, reply) => {
      const bodies = request.body.deployments;
      const deployments = await submit(submitDeps, request, reply, bodies, fieldInBatch);
      return reply.code(201).send({ deployments });
    },
  );
};

function fieldInBatch(index: number, field: string): string {
  return `deployments.${index}.${field}`;
}
