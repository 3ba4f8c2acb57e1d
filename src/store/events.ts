import type { Database } from './database.ts';

/** The kinds of events, each named after its subject and what happened to it. */
export type EventType =
  | 'organization.created'
  | 'organization.renamed'
  | 'member.joined'
  | 'member.left'
  | 'member.role_changed'
  | 'invite.created'
  | 'invite.revoked'
  | 'token.created'
  | 'token.revoked'
  | 'registry_credential.created'
  | 'registry_credential.deleted'
  | 'cluster.created'
  | 'cluster.updated'
  | 'cluster.deleted'
  | 'cluster.unreachable'
  | 'cluster.reachable'
  | 'node.created'
  | 'node.updated'
  | 'node.deleted'
  | 'deployment.submitted'
  | 'deployment.priority_changed'
  | 'deployment.promoted'
  | 'deployment.admitted'
  | 'deployment.progress'
  | 'deployment.start_retried'
  | 'deployment.started'
  | 'deployment.stopping'
  | 'deployment.succeeded'
  | 'deployment.failed'
  | 'deployment.cancelled'
  | 'deployment.retried'
  | 'deployment.deleted';

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
  await db
    .insertInto('event')
    .values(
      events.map((event) => ({
        organization_id: event.organizationId,
        cluster_id: event.clusterId ?? null,
        deployment_id: event.deploymentId ?? null,
        type: event.type,
        message: event.message,
        data: JSON.stringify(event.data ?? {}),
        actor_id: event.actorId ?? null,
      })),
    )
    .execute();
}
