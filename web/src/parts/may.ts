import { useSuspenseQuery } from '@tanstack/react-query';
import type { Role } from '../../../src/sdk/types.gen.ts';
import { meQuery } from '../api/queries.ts';

const ranks: Readonly<Record<Role, number>> = { viewer: 0, developer: 1, admin: 2, owner: 3 };

/** Whether I have this role in the organization, or a higher one: what I may not do is not offered. The server decides. */
export function useMay(role: Role): boolean {
  const { data: me } = useSuspenseQuery(meQuery);
  return me.organization !== null && ranks[me.organization.role] >= ranks[role];
}
