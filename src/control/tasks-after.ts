import type { Task } from '../queue/task-queue.ts';
import type { Progress } from '../store/observations.ts';

/** What a deployment's progress asks for: the rest of a failed gang is stopped, ended containers are cleaned up. */
export function tasksAfter(progress: Progress): Task[] {
  const { deploymentId, attempt } = progress;
  const tasks: Task[] = [];
  if (progress.changed && progress.status === 'stopping') tasks.push({ kind: 'stop', deploymentId, attempt });
  if (progress.ended && !progress.removed) tasks.push({ kind: 'clean', deploymentId, attempt });
  return tasks;
}
