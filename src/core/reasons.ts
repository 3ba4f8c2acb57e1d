/** Why a deployment has the status that it has: a stable code for programs, a sentence for people. */

/** `{...}` is filled in by `reasonText`. The codes are part of the API: add, never rename. */
export const reasons = {
  admitted: 'admitted to {nodes}',
  started: 'its containers run',
  stopping: 'stopping at the request of a user',
  exit_zero: 'exited with 0',
  exit_nonzero: 'exited with {exitCode}',
  out_of_memory: 'ran out of memory and was killed: ask for more RAM',
  image_not_found: 'the image {image} does not exist',
  image_pull_denied: 'the registry refused access to the image {image}',
  image_pull_failed: 'the image {image} could not be pulled: {detail}',
  start_failed: 'its container could not be started: {detail}',
  container_lost: 'its container is gone: it was removed from outside, or its node was lost',
  engine_lost: 'the engine of {node} has not answered for too long, and nobody knows what became of its container',
  unhealthy: 'was unhealthy: {message}',
  restarts_used_up: '{why}, and was started again as often in a row as it may be ({restarts})',
  stopped: 'stopped by a user',
  cancelled: 'cancelled by a user',
  cluster_deleted: 'stopped because its cluster was deleted',
  time_limit: 'ran longer than its time limit of {seconds} s{how}',
  replica_failed: 'replica {replica} failed, so the others were stopped',
  preempted: 'stopped for {preemptor}, which has the higher priority {priority}; it keeps its age in the queue',
  drained: 'stopped because {node} is drained; it keeps its age in the queue',
  retried: 'queued again by a user',
  retrying: 'attempt {attempt} failed ({why}); queued again, retries left: {left}',
  rescheduled: '{why}; queued again, to run elsewhere',
  restarting: '{why}; it is started again in {seconds} s',
  restarted: '{who} runs again (run {run})',
  updated: 'its service is updated',
  replaced: 'was stopped to be replaced',
  scaled_down: 'was taken away: there were to be fewer replicas',
  scaled_up: 'was added: there were to be more replicas',
  called_off: 'was stopped before it was started again',
  dependency_not_met: '{cause}, and {name} needed {upstream} to {condition}',
} as const;

export type ReasonCode = keyof typeof reasons;

/** What stands in braces in a sentence; none where there is nothing to fill in. */
type Blanks<Sentence extends string> = Sentence extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Blanks<Rest>
  : never;

export type ReasonDetails<Code extends ReasonCode> = Readonly<Record<Blanks<(typeof reasons)[Code]>, string | number>>;

/** The sentence of a code. What it has to be told is checked by the compiler: `reasonText('exit_nonzero', { exitCode: 3 })`. */
export function reasonText<Code extends ReasonCode>(code: Code, details: ReasonDetails<Code>): string {
  const values: Readonly<Record<string, string | number>> = details;
  return reasons[code].replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
}
