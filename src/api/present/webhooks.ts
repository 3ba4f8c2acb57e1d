/** Webhooks as they go out: named field by field, so that no secret ever goes along. */
import type { z } from 'zod';
import { writePosition } from '../../store/event-log.ts';
import type { DeliveryRow } from '../../store/webhook-deliveries.ts';
import type { WebhookRow } from '../../store/webhooks.ts';
import type { Webhook, WebhookDelivery } from '../schemas/webhooks.ts';

export function presentWebhook(row: WebhookRow): z.infer<typeof Webhook> {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    event_types: row.event_types,
    cluster_ids: row.cluster_ids,
    enabled: row.enabled,
    disabled_reason: row.disabled_reason,
    failing_since: row.failing_since?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}

export function presentDelivery(row: DeliveryRow): z.infer<typeof WebhookDelivery> {
  const { event_tx: tx, event_id: eventId } = row;
  return {
    id: row.id,
    webhook_id: row.webhook_id,
    event_id: tx === null || eventId === null ? null : writePosition({ tx: BigInt(tx), id: BigInt(eventId) }),
    event_type: row.event_type,
    status: row.status,
    attempts: row.attempts,
    response_code: row.response_code,
    error: row.error,
    duration_ms: row.duration_ms,
    last_attempt_at: row.last_attempt_at?.toISOString() ?? null,
    next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}
