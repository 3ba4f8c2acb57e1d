/**
 * The task queue port. A task is a hint: "look at this deployment". What is to be done follows from its row, so that a lost
 * task is harmless (the sweep sends it again) and a repeated one changes nothing.
 */
type TaskKind =
  /** Start the containers of a deployment that was admitted. */
  | 'start'
  /** Stop the containers of a deployment that is stopping. */
  | 'stop'
  /** Stop the containers of replicas of a service that goes on: for another run in their place, or for good. */
  | 'replace'
  /** Keep the logs of ended containers and remove them. */
  | 'clean';

export interface Task {
  readonly kind: TaskKind;
  readonly deploymentId: string;
  readonly attempt: number;
}

export interface TaskQueue {
  /** Sends tasks. One that waits or runs already is not sent twice. Throws where the backend does not answer. */
  send(tasks: readonly Task[]): Promise<void>;
  /** Begins to work: `handle` is called for each task, in parallel up to `concurrency` for each kind of queue. */
  work(handle: (task: Task) => Promise<void>): Promise<void>;
  /** Ends the work under way, then lets go of the backend. */
  close(): Promise<void>;
}
