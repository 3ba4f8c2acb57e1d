import { z } from 'zod';
import type { Scope } from '../../store/scope.ts';
import { addTest, listDeliveries, readDelivery, sendAgain } from '../../store/webhook-deliveries.ts';
import { readWebhook, type WebhookRow } from '../../store/webhooks.ts';
import { bodyOfTest, testType } from '../../webhooks/message.ts';
import { pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { ApiError, notFound } from '../errors.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentDelivery } from '../present/webhooks.ts';
import { id, idParams, pageOf } from '../schemas/common.ts';
import { DeliveryListQuery, WebhookDelivery, WebhookDeliveryDetail } from '../schemas/webhooks.ts';

/** What was sent to a webhook and what came of it; and sending it again. */
export const registerWebhookDeliveryRoutes: Routes = (api, { db, control }) => {
  async function knownWebhook(scope: Scope, webhookId: string): Promise<WebhookRow> {
    const webhook = await readWebhook(db, scope, pathId(webhookId, 'webhook'));
    if (webhook === undefined) throw notFound('webhook');
    return webhook;
  }

  api.post(
    '/webhooks/:id/test',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'testWebhook',
        summary: 'Send a test to a webhook',
        description: 'Once, also where it is disabled. Read the delivery to see what came of it.',
        params: idParams,
        response: { 202: WebhookDelivery },
      },
    },
    async (request, reply) => {
      const scope = scopeOf(request);
      const webhook = await knownWebhook(scope, request.params.id);
      const delivery = await addTest(db, {
        webhookId: webhook.id,
        organizationId: scope.organizationId,
        event: null,
        eventType: testType,
        body: bodyOfTest(webhook.id, new Date()),
      });
      control.deliverSoon();
      return reply.code(202).send(presentDelivery(delivery));
    },
  );

  api.get(
    '/webhooks/:id/deliveries',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'listWebhookDeliveries',
        summary: 'What was sent to a webhook, the latest first',
        description: 'Deliveries are kept for seven days.',
        params: idParams,
        querystring: DeliveryListQuery,
        response: { 200: pageOf(WebhookDelivery) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const webhook = await knownWebhook(scope, request.params.id);
      const { limit, cursor, status } = request.query;
      const after = decodeCursor(cursor, ['uuid'])?.[0];
      const rows = await listDeliveries(db, scope, webhook.id, status, { limit, after });
      return pageOfRows(rows, limit, (row) => [row.id], presentDelivery);
    },
  );

  const deliveryParams = z.object({ id, delivery_id: id });

  api.get(
    '/webhooks/:id/deliveries/:delivery_id',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'getWebhookDelivery',
        summary: 'Read a delivery, with what is sent',
        params: deliveryParams,
        response: { 200: WebhookDeliveryDetail },
      },
    },
    async (request) => {
      const { id: webhookId, delivery_id } = request.params;
      const deliveryId = pathId(delivery_id, 'delivery');
      const row = await readDelivery(db, scopeOf(request), pathId(webhookId, 'webhook'), deliveryId);
      if (row === undefined) throw notFound('delivery');
      return { ...presentDelivery(row), body: row.body };
    },
  );

  api.post(
    '/webhooks/:id/deliveries/:delivery_id/redeliver',
    {
      config: { role: 'admin', errors: ['webhook_disabled'] },
      schema: {
        tags: ['Webhooks'],
        operationId: 'redeliver',
        summary: 'Send a delivery again, now',
        description: 'The same body with the same `webhook-id`, and with all its attempts before it.',
        params: deliveryParams,
        response: { 202: WebhookDelivery },
      },
    },
    async (request, reply) => {
      const scope = scopeOf(request);
      const webhook = await knownWebhook(scope, request.params.id);
      const deliveryId = pathId(request.params.delivery_id, 'delivery');
      if ((await readDelivery(db, scope, webhook.id, deliveryId)) === undefined) throw notFound('delivery');
      if (!webhook.enabled) throw new ApiError('webhook_disabled');
      const row = await sendAgain(db, scope, webhook.id, deliveryId);
      if (row === undefined) throw notFound('delivery');
      control.deliverSoon();
      return reply.code(202).send(presentDelivery(row));
    },
  );
};
