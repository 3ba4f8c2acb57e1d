import { z } from 'zod';
import { DeploymentCreate } from '../../api/schemas/deployments.ts';

/**
 * One document of a deployment file: the fields of the API, but the cluster by its name. Keys that begin with `x-` are whoever's;
 * they are not sent.
 */
export const DeploymentDocument = DeploymentCreate.omit({ cluster_id: true }).extend({
  cluster: z.string().optional().describe('The name of the cluster; left out, the one in use.'),
});

/** The JSON schema that editors check such files with. */
export function deploymentFileSchema(): string {
  const schema = z.toJSONSchema(DeploymentDocument, { io: 'input', target: 'draft-2020-12' });
  const { additionalProperties: _, ...rest } = schema;
  const document = {
    ...rest,
    title: 'A deployment of Hypervisor',
    description: 'One document of the file that `hv submit -f` takes.',
    patternProperties: { '^x-': {} },
    additionalProperties: false,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
