/** What a schedule submits, checked anew each time: clusters shrink, and what is waited for goes. */
import type { SubmitScheduled } from '../control/schedules.ts';
import type { Database } from '../store/database.ts';
import { type SubmissionOutcome, submitDeployments } from '../store/submit.ts';
import { type ClusterCapacities, rememberCapacities } from '../store/submit-capacity.ts';
import { DeploymentCreate } from './schemas/deployments.ts';
import { type DeploymentBody, prepareSubmission } from './submission.ts';

/** What a scheduled deployment finds in its environment: the time for which it runs, which may be earlier than when. */
const dueVariable = 'HYPERVISOR_SCHEDULED_FOR';

export function createScheduledSubmitter(db: Database): SubmitScheduled {
  const capacities: ClusterCapacities = rememberCapacities(db);
  return async (tx, { schedule, dueAt, actor, after }) => {
    const parsed = DeploymentCreate.safeParse(schedule.deployment);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return { kind: 'refused', message: `${issue?.path.join('.')} ${issue?.message}` };
    }
    const body = bodyOf(parsed.data, schedule.name, dueAt);
    const of = { scope: { organizationId: schedule.organization_id }, actor, idempotency: null };
    const { submission, refusal } = await prepareSubmission({ db: tx, capacities }, of, [body], (_, field) => field);
    if (refusal !== null) return { kind: 'refused', message: refusal.message };
    const replaced = after.map(({ id, name }) => ({
      deploymentId: id,
      arrayId: null,
      name,
      condition: 'any' as const,
    }));
    const deployments = submission.deployments.map((one) => ({
      ...one,
      scheduleId: schedule.id,
      dependencies: [...one.dependencies, ...replaced],
    }));
    const [outcome] = await submitDeployments(tx, [{ ...submission, deployments }]);
    const [first] = deployments;
    if (outcome?.kind === 'accepted' && first !== undefined) {
      return { kind: 'submitted', deploymentId: first.id, name: first.name };
    }
    return { kind: 'refused', message: reasonOf(outcome) };
  };
}

/** Without a name of its own it is called as its schedule is. */
function bodyOf(body: DeploymentBody, name: string, dueAt: number): DeploymentBody {
  const env = { ...body.env, [dueVariable]: new Date(dueAt).toISOString() };
  return { ...body, name: body.name ?? name, env };
}

function reasonOf(outcome: SubmissionOutcome | undefined): string {
  return outcome?.kind === 'cluster_deleting' ? 'its cluster is being deleted' : 'its cluster is gone';
}
