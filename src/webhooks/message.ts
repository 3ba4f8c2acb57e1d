/** What webhooks are told, and who of them wants to know. */
import { presentEvent } from '../api/present/events.ts';
import type { EventRow } from '../store/event-log.ts';

/** What a test is called; there is no such event. */
export const testType = 'webhook.test';

export interface Interest {
  /** Types, or families like `deployment.*`; none: all. */
  readonly eventTypes: readonly string[];
  /** None: all, and what belongs to no cluster. */
  readonly clusterIds: readonly string[];
}

export function isWanted({ eventTypes, clusterIds }: Interest, event: Pick<EventRow, 'type' | 'cluster_id'>): boolean {
  const family = `${event.type.slice(0, event.type.indexOf('.'))}.*`;
  const byType = eventTypes.length === 0 || eventTypes.includes(event.type) || eventTypes.includes(family);
  const byCluster = clusterIds.length === 0 || (event.cluster_id !== null && clusterIds.includes(event.cluster_id));
  return byType && byCluster;
}

/** The event as the API shows it, in the envelope that Standard Webhooks recommends. */
export function bodyOfEvent(event: EventRow): string {
  const data = presentEvent(event);
  return JSON.stringify({ type: data.type, timestamp: data.created_at, data });
}

export function bodyOfTest(webhookId: string, at: Date): string {
  const message = 'this is a test: nothing has happened';
  return JSON.stringify({ type: testType, timestamp: at.toISOString(), data: { webhook_id: webhookId, message } });
}
