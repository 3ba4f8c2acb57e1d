import { z } from 'zod';
import { eventTypes } from '../../store/events.ts';
import { id, PageQuery, text, timestamp } from './common.ts';

/** As it is stored and asked: in its normal form. */
const webhookUrl = text(1, 2048).transform((value, context) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  const wrong = whatIsWrong(url);
  if (wrong === null && url !== null) return url.href;
  context.addIssue({ code: 'custom', message: wrong ?? '' });
  return z.NEVER;
});

function whatIsWrong(url: URL | null): string | null {
  if (url === null || url.hostname === '') return 'must be a URL like "https://example.com/hook"';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://';
  if (url.username !== '' || url.password !== '') {
    return 'must not hold a username or password: requests are signed, and the receiver can tell by that who sent them';
  }
  return url.hash === '' ? null : 'must not have a part behind "#": it would not be sent';
}

/** What can be named: a misspelt type would never be told. */
const named = new Set<string>(eventTypes.flatMap((type) => [type, `${type.slice(0, type.indexOf('.'))}.*`]));

const eventType = z
  .string()
  .max(80, { message: 'must have at most 80 characters' })
  .refine((type) => named.has(type), {
    message: 'must be a type of events like "deployment.failed", or a family of them like "deployment.*"',
  });
const wantedTypes = z
  .array(eventType)
  .max(50, { message: 'must be at most 50 types' })
  .describe('Types of events, or families like `deployment.*`; none: all.');
const clusterIds = z
  .array(id)
  .max(100, { message: 'must be at most 100 clusters' })
  .describe('Only events of these clusters; none: all, and what belongs to no cluster.');
const description = text(0, 200).describe('For people.');

export const WebhookCreate = z.strictObject({
  url: webhookUrl,
  description: description.default(''),
  event_types: wantedTypes.default([]),
  cluster_ids: clusterIds.default([]),
  enabled: z.boolean().default(true),
});

export const WebhookUpdate = z
  .strictObject({
    url: webhookUrl.optional(),
    description: description.optional(),
    event_types: wantedTypes.optional(),
    cluster_ids: clusterIds.optional(),
    enabled: z.boolean().optional().describe('Enabled again, it is told of what happens from then on.'),
  })
  .refine((body) => Object.keys(body).length > 0, { message: 'names nothing to change' });

export const Webhook = z.object({
  id,
  url: z.string(),
  description: z.string(),
  event_types: z.array(z.string()),
  cluster_ids: z.array(id),
  enabled: z.boolean(),
  disabled_reason: z.string().nullable().describe('Why it was disabled by Hypervisor; null where it was not.'),
  failing_since: timestamp.nullable().describe('Since when nothing has come through; null where the last attempt did.'),
  created_at: timestamp,
});
export const WebhookWithSecret = Webhook.extend({
  secret: z.string().describe('Signs what is sent. Shown once.'),
});

export const DeliveryStatus = z.enum(['pending', 'succeeded', 'failed']);

export const WebhookDelivery = z.object({
  id: id.describe('Sent as `webhook-id`: the same for every attempt.'),
  webhook_id: id,
  event_id: z.string().nullable().describe('Null of a test.'),
  event_type: z.string(),
  status: DeliveryStatus,
  attempts: z.number().int(),
  response_code: z.number().int().nullable().describe('Of the last attempt; null where nothing was answered.'),
  error: z.string().nullable().describe('What was wrong with the last attempt, in plain words.'),
  duration_ms: z.number().nullable(),
  last_attempt_at: timestamp.nullable(),
  next_attempt_at: timestamp.nullable().describe('Null where it is over.'),
  created_at: timestamp,
});
/** One delivery read by itself also has what is sent. */
export const WebhookDeliveryDetail = WebhookDelivery.extend({ body: z.string() });

export const DeliveryListQuery = PageQuery.extend({ status: DeliveryStatus.optional() });
