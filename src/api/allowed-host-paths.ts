import type { FastifyRequest } from 'fastify';
import { liesIn } from '../store/allowed-host-paths.ts';
import { signedIn } from './auth.ts';
import type { RouteDeps } from './context.ts';
import { ApiError } from './errors.ts';

/**
 * Whoever may have a directory of the machine mounted may become root on it, and every user may make an organization with
 * clusters of their own: so the operator says below which directories clusters may allow some.
 */
export function checkAllowedHostPaths(
  request: FastifyRequest,
  { config }: Pick<RouteDeps, 'config'>,
  paths: readonly { readonly path: string }[],
): void {
  if (signedIn(request).operator) return;
  const given = config.hostPaths ?? [];
  const errors = paths.flatMap(({ path }, index) => {
    if (given.some((directory) => liesIn(path, directory))) return [];
    const message = `is ${path}, which lies in no directory that the operator has opened to clusters`;
    return [{ field: `allowed_host_paths.${index}.path`, message }];
  });
  const [first] = errors;
  if (first !== undefined) throw new ApiError('operator_only', `\`${first.field}\` ${first.message}.`, { errors });
}
