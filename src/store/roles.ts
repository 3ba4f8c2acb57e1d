import type { Role } from './tables.ts';

const rank: Readonly<Record<Role, number>> = { viewer: 0, developer: 1, admin: 2, owner: 3 };

export function isAtLeast(role: Role, needed: Role): boolean {
  return rank[role] >= rank[needed];
}

/** The lower of two: a token never grants more than the member who made it has at this moment. */
export function lowerOf(a: Role, b: Role): Role {
  return rank[a] <= rank[b] ? a : b;
}
