/**
 * Tells webhooks of events. Level-triggered from end to end: the log of events and a position for each webhook say what is still to
 * become a delivery, the deliveries and their times say what is still to be sent. Whatever dies here, the next look goes on from
 * there; at worst something is sent twice, with the same id.
 */
import type { Logger } from 'pino';
import { delayAfter } from '../core/delivery.ts';
import type { Database } from '../store/database.ts';
import { listEvents, positionOf } from '../store/event-log.ts';
import type { Keyring } from '../store/secrets/keyring.ts';
import {
  addDeliveries,
  type ClaimedDelivery,
  claimDue,
  type DueWebhook,
  noteAttempt,
  webhooksWithDue,
} from '../store/webhook-deliveries.ts';
import {
  anyWebhooks,
  lockCursor,
  lockWebhook,
  moveCursor,
  noteFailure,
  noteSuccess,
  secretsOf,
  webhooksWithNews,
} from '../store/webhooks.ts';
import type { AddressRules } from '../webhooks/addresses.ts';
import { bodyOfEvent, isWanted, testType } from '../webhooks/message.ts';
import { post, type SendResult } from '../webhooks/send.ts';
import { signatureHeaders } from '../webhooks/signature.ts';
import { repeat } from './repeat.ts';

const lookMs = 1000;
/** Events come in bursts: one look serves those of so many milliseconds. */
const settleMs = 50;
/** So many events become deliveries in one transaction. */
const eventsMax = 200;

const timeoutMs = 10_000;
/** An attempt of which nothing was heard for so long is lost: its process is gone. */
const claimS = 15;
/** At once, in this process: to one receiver, to one through which nothing has come of late, and in all. */
const atOnceMax = { receiver: 4, failing: 1, all: 256 };
/** Seconds without anything coming through after which a webhook is disabled. */
const patienceS = 3 * 86_400;
/** How long those under way may take when the process is stopped. */
const closeGraceMs = 2000;

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly secretKey: Keyring;
  readonly rules: AddressRules;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Deliveries may have been made or disabled webhooks told of: events were written. */
  readonly onEvents: () => void;
  /** An attempt was made, and says something about the receiver. */
  readonly onAttempt: (result: SendResult) => void;
}

export interface Webhooks {
  /** Something may be to be sent. Returns at once. */
  now(): void;
  close(): Promise<void>;
}

export function startWebhooks(deps: Deps): Webhooks {
  const { db, log } = deps;
  const closing = new AbortController();
  const underWay = new Map<string, Set<Promise<void>>>();
  let isAnyThere = true;
  let soon: NodeJS.Timeout | undefined;

  const look = repeat(lookMs, log, 'the look for news for webhooks', async () => {
    isAnyThere = await anyWebhooks(db);
    if (!isAnyThere) return;
    for (const id of await webhooksWithNews(db)) if (await makeDeliveries(db, id)) now();
    for (const webhook of await webhooksWithDue(db, testType)) await begin(webhook);
  });

  /** Of a busy process with no webhooks, nobody is asked more often than regularly. */
  function now(): void {
    if (!isAnyThere || closing.signal.aborted) return;
    soon ??= setTimeout(() => {
      soon = undefined;
      look.now();
    }, settleMs);
  }

  async function begin(webhook: DueWebhook): Promise<void> {
    const mine = underWay.get(webhook.id) ?? new Set();
    const all = [...underWay.values()].reduce((sum, { size }) => sum + size, 0);
    const mayHave = webhook.failing ? atOnceMax.failing : atOnceMax.receiver;
    const limit = Math.min(mayHave - mine.size, atOnceMax.all - all);
    if (limit <= 0 || closing.signal.aborted) return;
    const claimed = await claimDue(db, webhook.id, { limit, claimS, testType });
    if (claimed.length === 0) return;
    underWay.set(webhook.id, mine);
    for (const delivery of claimed) {
      const sending = deliver(deps, delivery, closing.signal)
        .catch((error: unknown) =>
          log.warn({ err: error, delivery: delivery.id }, 'a delivery was not noted; it is repeated'),
        )
        .finally(() => {
          mine.delete(sending);
          if (mine.size === 0) underWay.delete(webhook.id);
          now();
        });
      mine.add(sending);
    }
  }

  return {
    now() {
      now();
    },
    async close() {
      clearTimeout(soon);
      await look.stop();
      // What is cut off is sent again by whoever comes after.
      const cutOff = setTimeout(() => closing.abort(), closeGraceMs);
      await Promise.all([...underWay.values()].flatMap((sendings) => [...sendings]));
      clearTimeout(cutOff);
      closing.abort();
      clearTimeout(soon);
    },
  };
}

/** Makes deliveries of the next events of the log, and moves on, in one transaction. True where there may be more. */
async function makeDeliveries(db: Database, webhookId: string): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const webhook = await lockCursor(tx, webhookId);
    if (webhook === null) return false;
    const scope = { organizationId: webhook.organization_id };
    const interest = { eventTypes: webhook.event_types, clusterIds: webhook.cluster_ids };
    const events = await listEvents(tx, scope, {}, { order: 'asc', limit: eventsMax, after: webhook.position });
    const last = events.at(-1);
    if (last === undefined) return false;
    await addDeliveries(
      tx,
      events
        .filter((event) => isWanted(interest, event))
        .map((event) => ({
          webhookId,
          organizationId: webhook.organization_id,
          event: { tx: event.tx, id: event.id },
          eventType: event.type,
          body: bodyOfEvent(event),
        })),
    );
    await moveCursor(tx, webhookId, positionOf(last));
    return events.length === eventsMax;
  });
}

async function deliver(deps: Deps, delivery: ClaimedDelivery, signal: AbortSignal): Promise<void> {
  const { id, body, url } = delivery;
  const secrets = secretsOf({ ...delivery, id: delivery.webhook_id }, deps.secretKey);
  const signature = signatureHeaders({ id, timestamp: Math.floor(Date.now() / 1000), body }, secrets);
  const headers = { 'content-type': 'application/json', 'user-agent': 'Hypervisor-Webhook/1', ...signature };
  const result = await post({ url, body, headers }, { rules: deps.rules, timeoutMs, signal });
  // Cut off by the end of this process: that says nothing about the receiver.
  if (signal.aborted && !result.succeeded) return;
  deps.onAttempt(result);
  if (await note(deps, delivery, result)) deps.onEvents();
}

/** True where the webhook was disabled by it. */
async function note({ db, random }: Deps, delivery: ClaimedDelivery, result: SendResult): Promise<boolean> {
  const { webhook_id: webhookId, attempts } = delivery;
  const { succeeded } = result;
  const isTest = delivery.event_type === testType;
  const wantsNoMore = result.responseCode === 410;
  const againInMs = succeeded || isTest || wantsNoMore ? null : delayAfter(attempts, random());
  return db.transaction().execute(async (tx) => {
    // The webhook first, as who deletes it does.
    await lockWebhook(tx, webhookId);
    if (!(await noteAttempt(tx, delivery, { ...result, againInMs }))) return false;
    if (succeeded) await noteSuccess(tx, webhookId);
    // A test says something about the receiver to who made it, and nobody else.
    if (succeeded || isTest) return false;
    return noteFailure(tx, webhookId, { patienceS, reason: wantsNoMore ? 'it answered with 410: gone' : null });
  });
}
