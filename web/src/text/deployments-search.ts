import { oneOf, textsOf } from './search.ts';

export const sorts = ['-created_at', 'created_at', 'priority', '-priority'] as const;
export const kinds = ['job', 'service'] as const;

const texts = textsOf('cluster', 'status', 'name', 'user');

/** The filters of the list of deployments. */
export type DeploymentsSearch = ReturnType<typeof texts> & {
  readonly kind?: (typeof kinds)[number] | undefined;
  readonly sort?: (typeof sorts)[number] | undefined;
};

export function validateDeploymentsSearch(search: Record<string, unknown>): DeploymentsSearch {
  const kind = oneOf(search['kind'], kinds);
  const sort = oneOf(search['sort'], sorts);
  return { ...texts(search), ...(kind !== undefined && { kind }), ...(sort !== undefined && { sort }) };
}
