import type { Role } from '../../../../src/sdk/types.gen.ts';

const ascending: readonly Role[] = ['viewer', 'developer', 'admin', 'owner'];

const meanings: Readonly<Record<Role, string>> = {
  viewer: 'sees everything',
  developer: 'submits and stops deployments',
  admin: 'manages clusters, people and secrets',
  owner: 'may do everything',
};

/** The roles that somebody of this role may give. */
export function rolesUpTo(own: Role): readonly Role[] {
  return ascending.slice(0, ascending.indexOf(own) + 1);
}

export function meaningOf(role: string): string {
  const known = ascending.find((one) => one === role);
  return known === undefined ? role : `${known}: ${meanings[known]}`;
}

/** Whether somebody of this role decides about a member of that one: only owners decide about owners. */
export function decidesAbout(own: Role, other: Role): boolean {
  return own === 'owner' || (own === 'admin' && other !== 'owner');
}
