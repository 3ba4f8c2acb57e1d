/** Fields that mean something for a job only, or for a service only. */
import { type ApiError, invalidField } from './errors.ts';
import type { DeploymentBody } from './submission.ts';

/** Null where each body has only fields of its kind. `fieldOf` names the fields of the one at an index. */
export function refuseFieldsOfOtherKind(
  bodies: readonly DeploymentBody[],
  fieldOf: (index: number, field: string) => string,
): ApiError | null {
  for (const [index, { kind, retry, restart, update }] of bodies.entries()) {
    if (kind === 'job' && restart !== undefined) {
      return invalidField(
        fieldOf(index, 'restart'),
        'is for services only: a job that failed is queued again by `retry`',
      );
    }
    if (kind === 'job' && update !== undefined) {
      return invalidField(fieldOf(index, 'update'), 'is for services only: a job is not updated');
    }
    if (kind === 'service' && retry !== undefined) {
      return invalidField(
        fieldOf(index, 'retry'),
        'is for jobs only: a replica of a service that ended is started again by `restart`',
      );
    }
  }
  return null;
}
