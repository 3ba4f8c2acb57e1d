import type { z } from 'zod';
import { clusterExists } from '../../store/cluster-row.ts';
import { isUuid } from '../../store/ids.ts';
import type { Scope } from '../../store/scope.ts';
import {
  createWebhook,
  deleteWebhook,
  listWebhooks,
  readWebhook,
  rotateSecret,
  updateWebhook,
  webhooksMax,
} from '../../store/webhooks.ts';
import { addressRules, hostOf, isAddress } from '../../webhooks/addresses.ts';
import { newWebhookSecret } from '../../webhooks/signature.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { ApiError, type FieldError, invalidFields, notFound } from '../errors.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentWebhook } from '../present/webhooks.ts';
import { nothing } from '../schemas/answers.ts';
import { idParams, PageQuery, pageOf } from '../schemas/common.ts';
import { Webhook, WebhookCreate, WebhookUpdate, WebhookWithSecret } from '../schemas/webhooks.ts';

/** Who is told of the organization's events over HTTP. Secrets are shown when they are made, and never again. */
export const registerWebhookRoutes: Routes = (api, { db, control, secretKey, webhookRules = addressRules([]) }) => {
  /** What a schema cannot say: clusters of others, and addresses that could never be reached. Names are judged at each delivery. */
  async function check(scope: Scope, body: z.infer<typeof WebhookUpdate>): Promise<void> {
    const errors: FieldError[] = [];
    const host = body.url === undefined ? '' : hostOf(new URL(body.url));
    const kind = isAddress(host) ? webhookRules.refusal(host) : null;
    if (kind !== null) {
      const message = `leads to an internal address (${kind}), and requests to those are not allowed here; the operator may allow it`;
      errors.push({ field: 'url', message });
    }
    for (const [index, clusterId] of (body.cluster_ids ?? []).entries()) {
      if (await isKnown(scope, clusterId)) continue;
      errors.push({ field: `cluster_ids.${index}`, message: 'must be the id of a cluster of this organization' });
    }
    if (errors.length > 0) throw invalidFields(errors);
  }

  async function isKnown(scope: Scope, clusterId: string): Promise<boolean> {
    return isUuid(clusterId) && (await clusterExists(db, scope, clusterId));
  }

  api.post(
    '/webhooks',
    {
      config: { role: 'admin', errors: ['too_many_webhooks'] },
      schema: {
        tags: ['Webhooks'],
        operationId: 'createWebhook',
        summary: 'Add a webhook',
        description: 'It is told of what happens from now on. Its secret is shown once.',
        body: WebhookCreate,
        response: { 201: WebhookWithSecret },
      },
    },
    async (request, reply) => {
      const scope = scopeOf(request);
      await check(scope, request.body);
      const { url, description, event_types, cluster_ids, enabled } = request.body;
      const secret = newWebhookSecret();
      const webhook = await createWebhook(
        db,
        scope,
        { url, description, eventTypes: event_types, clusterIds: cluster_ids, enabled },
        { secret, keys: secretKey },
        actorOf(request),
      );
      if (webhook === null) throw new ApiError('too_many_webhooks', `There are ${webhooksMax} already.`);
      reply.code(201);
      return { ...presentWebhook(webhook), secret };
    },
  );

  api.get(
    '/webhooks',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'listWebhooks',
        summary: 'The webhooks, the oldest first',
        querystring: PageQuery,
        response: { 200: pageOf(Webhook) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = decodeCursor(cursor, ['uuid'])?.[0];
      const rows = await listWebhooks(db, scopeOf(request), { limit, after });
      return pageOfRows(rows, limit, (row) => [row.id], presentWebhook);
    },
  );

  api.get(
    '/webhooks/:id',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'getWebhook',
        summary: 'Read a webhook',
        params: idParams,
        response: { 200: Webhook },
      },
    },
    async (request) => {
      const webhook = await readWebhook(db, scopeOf(request), pathId(request.params.id, 'webhook'));
      if (webhook === undefined) throw notFound('webhook');
      return presentWebhook(webhook);
    },
  );

  api.patch(
    '/webhooks/:id',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'updateWebhook',
        summary: 'Change a webhook',
        params: idParams,
        body: WebhookUpdate,
        response: { 200: Webhook },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const id = pathId(request.params.id, 'webhook');
      await check(scope, request.body);
      const { url, description, event_types: eventTypes, cluster_ids: clusterIds, enabled } = request.body;
      const change = { url, description, eventTypes, clusterIds, enabled };
      const webhook = await updateWebhook(db, scope, id, change, actorOf(request));
      if (webhook === undefined) throw notFound('webhook');
      control.deliverSoon();
      return presentWebhook(webhook);
    },
  );

  api.post(
    '/webhooks/:id/rotate-secret',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'rotateWebhookSecret',
        summary: 'Give a webhook a new secret',
        description: 'It is shown once. For a day the secret before signs beside it.',
        params: idParams,
        response: { 200: WebhookWithSecret },
      },
    },
    async (request) => {
      const id = pathId(request.params.id, 'webhook');
      const secret = newWebhookSecret();
      const webhook = await rotateSecret(db, scopeOf(request), id, { secret, keys: secretKey }, actorOf(request));
      if (webhook === undefined) throw notFound('webhook');
      return { ...presentWebhook(webhook), secret };
    },
  );

  api.delete(
    '/webhooks/:id',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Webhooks'],
        operationId: 'deleteWebhook',
        summary: 'Delete a webhook with its deliveries',
        params: idParams,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'webhook');
      if (!(await deleteWebhook(db, scopeOf(request), id, actorOf(request)))) throw notFound('webhook');
      return reply.code(204).send();
    },
  );
};
