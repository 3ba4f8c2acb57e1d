import { sql } from 'kysely';
import type { Database } from './database.ts';

/** The kinds of events, each named after its subject and what happened to it. */
export const eventTypes = [
  'organization.created',
  'organization.renamed',
  'member.joined',
  'member.left',
  'member.role_changed',
  'invite.created',
  'invite.revoked',
  'token.created',
  'token.revoked',
  'registry_credential.created',
  'registry_credential.changed',
  'registry_credential.deleted',
  'secret.created',
  'secret.rotated',
  'secret.deleted',
  'secret_key.changed',
  'volume.created',
  'volume.deleted',
  'webhook.created',
  'webhook.updated',
  'webhook.disabled',
  'webhook.deleted',
  'cluster.created',
  'cluster.updated',
  'cluster.deleted',
  'cluster.unreachable',
  'cluster.reachable',
  'node.created',
  'node.updated',
  'node.deleted',
  'node.unreachable',
  'node.reachable',
  'node.draining',
  'node.drained',
  'maintenance.planned',
  'maintenance.begun',
  'maintenance.ended',
  'maintenance.deleted',
  'engine.created',
  'engine.updated',
  'engine.deleted',
  'schedule.created',
  'schedule.updated',
  'schedule.paused',
  'schedule.resumed',
  'schedule.deleted',
  'schedule.run',
  'schedule.not_run',
  'deployment.submitted',
  'deployment.replaced',
  'deployment.priority_changed',
  'deployment.promoted',
  'deployment.preempting',
  'deployment.preempted',
  'deployment.requeued',
  'deployment.admitted',
  'deployment.progress',
  'deployment.start_retried',
  'deployment.started',
  'deployment.stopping',
  'deployment.succeeded',
  'deployment.failed',
  'deployment.cancelled',
  'deployment.skipped',
  'deployment.released',
  'deployment.retried',
  'deployment.expired',
  'deployment.exec',
  'deployment.files_in',
  'deployment.files_out',
  'deployment.deleted',
  'replica.healthy',
  'replica.unhealthy',
  'deployment.updated',
  'deployment.rolled_back',
  'deployment.update_waits',
  'deployment.update_finished',
  'replica.replacing',
  'replica.removing',
  'replica.added',
  'replica.restarting',
  'replica.restarted',
] as const;

export type EventType = (typeof eventTypes)[number];

export interface NewEvent {
  readonly organizationId: string;
  readonly clusterId?: string | null;
  readonly deploymentId?: string | null;
  readonly type: EventType;
  /** For people; holds no secret. */
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly actorId?: string | null;
}

/** Appends events: in the transaction that makes the change they tell of, or not at all. */
export async function appendEvents(db: Database, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => ({
    organization_id: event.organizationId,
    cluster_id: event.clusterId ?? null,
    deployment_id: event.deploymentId ?? null,
    type: event.type,
    message: event.message,
    data: event.data ?? {},
    actor_id: event.actorId ?? null,
  }));
  // One parameter, however many there are: a statement takes at most 65,535.
  await sql`
    insert into event (organization_id, cluster_id, deployment_id, type, message, data, actor_id)
    select organization_id, cluster_id, deployment_id, type, message, data, actor_id
      from json_to_recordset(${JSON.stringify(rows)}::json) as e(organization_id uuid, cluster_id uuid, deployment_id uuid,
             type text, message text, data jsonb, actor_id uuid)`.execute(db);
}
