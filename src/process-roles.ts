/** What a process does: `api` answers requests, `scheduler` runs passes and keeps time, `worker` deals with engines; `all`: all of it. */
export const processRoles = ['all', 'api', 'scheduler', 'worker'] as const;
export type ProcessRole = (typeof processRoles)[number];

/** Whether a process with this role has a part in what that one is for. */
export function hasPartIn(role: ProcessRole, part: Exclude<ProcessRole, 'all'>): boolean {
  return role === 'all' || role === part;
}
