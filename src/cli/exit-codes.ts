/** What the command ends with, for scripts. `submit --wait` and `wait` end with the job's own code instead (docs/cli.md). */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  forbidden: 3,
  notFound: 4,
  conflict: 5,
  invalid: 6,
  unreachable: 7,
} as const;

/** The exit code for a status that the API answered with. */
export function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return exitCodes.forbidden;
  if (status === 404) return exitCodes.notFound;
  if (status === 409 || status === 412) return exitCodes.conflict;
  if (status === 400 || status === 413 || status === 415 || status === 422) return exitCodes.invalid;
  if (status === 503) return exitCodes.unreachable;
  return exitCodes.failure;
}
