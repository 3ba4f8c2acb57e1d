import { type RawBuilder, sql } from 'kysely';
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
  'cluster.removed',
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

/**
 * The number of an event that comes after those of its deployment that are there. By the transaction's own number it might not: a transaction
 * gets that with the first lock that it takes, and may act on what one with a later number has committed since. At that one's number it is
 * still found by every reader, who is not past it before this transaction, with its earlier number, has ended.
 */
export const numberBehind = (deploymentId: RawBuilder<unknown>) => sql`
  greatest(transaction_number(), (select max(earlier.tx) from event earlier where earlier.deployment_id = ${deploymentId}))`;

/** Appends events: in the transaction that makes the change they tell of, or not at all. Each comes after those of its deployment. */
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
    insert into event (tx, organization_id, cluster_id, deployment_id, type, message, data, actor_id)
    select ${numberBehind(sql`e.deployment_id`)}, organization_id, cluster_id, deployment_id, type, message, data, actor_id
      from json_to_recordset(${JSON.stringify(rows)}::json) as e(organization_id uuid, cluster_id uuid, deployment_id uuid,
             type text, message text, data jsonb, actor_id uuid)`.execute(db);
}
