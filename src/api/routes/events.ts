import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { readDeployment } from '../../store/deployments.ts';
import {
  type EventFilter,
  type EventPosition,
  endOfEvents,
  listEvents,
  readPosition,
  settleEvents,
} from '../../store/event-log.ts';
import { roleIn } from '../../store/memberships.ts';
import type { Scope } from '../../store/scope.ts';
import { pathId, scopeOf, signedIn } from '../auth.ts';
import type { RouteDeps, Routes } from '../context.ts';
import { invalidField, notFound } from '../errors.ts';
import { EventFeeds } from '../event-feed.ts';
import { filterId } from '../filters.ts';
import { presentEvent } from '../present/events.ts';
import { idParams, pageOf } from '../schemas/common.ts';
import { Event, EventListQuery, EventStreamQuery } from '../schemas/scheduling.ts';
import { goneSignal, sendPieces } from '../streaming.ts';

/** Shorter than the idle time after which proxies cut a connection. */
const heartbeatMs = 15_000;

/** A writer that takes longer than this delays what is shown of others, not the answer. */
const settleMaxMs = 300;

export const registerEventRoutes: Routes = (api, deps) => {
  const { db, control } = deps;
  const feeds = new EventFeeds(db, (listener) => control.onEvents(listener));

  api.get(
    '/events',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listEvents',
        summary: 'List events',
        tags: ['Events'],
        querystring: EventListQuery,
        response: { 200: pageOf(Event) },
      },
    },
    (request) => pageOfEvents(deps, scopeOf(request), filterOf(request.query), request.query),
  );

  api.get(
    '/deployments/:id/events',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listDeploymentEvents',
        summary: 'List the events of a deployment',
        tags: ['Events'],
        params: idParams,
        querystring: EventListQuery.omit({ deployment_id: true, cluster_id: true }),
        response: { 200: pageOf(Event) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const deploymentId = pathId(request.params.id, 'deployment');
      const page = await pageOfEvents(deps, scope, { ...filterOf(request.query), deploymentId }, request.query);
      // Events outlive their deployment; without any, it is either filtered out or unknown.
      if (page.items.length === 0 && (await readDeployment(db, scope, deploymentId)) === null)
        throw notFound('deployment');
      return page;
    },
  );

  api.get(
    '/events/stream',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'streamEvents',
        summary: 'Follow events live, as server-sent events',
        description: 'Each has its id: reconnect with `Last-Event-ID` and none is missed. Without it: from now on.',
        tags: ['Events'],
        querystring: EventStreamQuery,
        response: { 200: z.string().describe('`text/event-stream`; each `data` is an Event.') },
      },
    },
    async (request, reply) => {
      const filter = filterOf(request.query);
      const start = lastEventId(request, request.query.last_event_id) ?? (await endOfEvents(db));
      const signal = goneSignal(reply, deps);
      const pieces = serverSentEvents(deps, feeds, request, { filter, start, signal, named: request.query.named });
      return sendPieces(reply, 'text/event-stream; charset=utf-8', pieces, signal);
    },
  );
};

interface StreamRequest {
  readonly filter: EventFilter;
  readonly start: EventPosition;
  readonly signal: AbortSignal;
  readonly named: boolean;
}

async function* serverSentEvents(
  deps: RouteDeps,
  feeds: EventFeeds,
  request: FastifyRequest,
  { filter, start, signal, named }: StreamRequest,
): AsyncGenerator<string> {
  const scope = scopeOf(request);
  const { userId } = signedIn(request);
  yield 'retry: 2000\n: connected\n\n';
  let checkedAt = performance.now();
  for await (const event of feeds.follow(scope, filter, start, { idleMs: heartbeatMs, signal })) {
    if (performance.now() - checkedAt >= heartbeatMs) {
      // Who is no member any more is told nothing more.
      if ((await roleIn(deps.db, scope, userId)) === undefined) return;
      checkedAt = performance.now();
    }
    if (event === null) {
      yield ': still here\n\n';
      continue;
    }
    const shown = presentEvent(event);
    const name = named ? `event: ${shown.type}\n` : '';
    yield `id: ${shown.id}\n${name}data: ${JSON.stringify(shown)}\n\n`;
  }
}

/** Where a client that was cut off goes on; undefined for one that begins. */
function lastEventId(request: FastifyRequest, fromQuery: string | undefined): EventPosition | undefined {
  const header = request.headers['last-event-id'];
  const text = typeof header === 'string' && header !== '' ? header : fromQuery;
  if (text === undefined) return undefined;
  const position = readPosition(text);
  if (position === null) throw invalidField('last-event-id', 'must be the id of an event, as it was sent');
  return position;
}

async function pageOfEvents(
  { db }: RouteDeps,
  scope: Scope,
  filter: EventFilter,
  query: Pick<z.infer<typeof EventListQuery>, 'limit' | 'cursor' | 'order'>,
) {
  const after = positionOfCursor(query.cursor);
  const completeTo = await settleEvents(db, scope, settleMaxMs);
  const rows = await listEvents(db, scope, filter, { order: query.order, limit: query.limit + 1, after, completeTo });
  const items = rows.slice(0, query.limit).map(presentEvent);
  return { items, next_cursor: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null };
}

function positionOfCursor(cursor: string | undefined): EventPosition | undefined {
  if (cursor === undefined) return undefined;
  const position = readPosition(cursor);
  if (position === null)
    throw invalidField('cursor', 'is not a cursor of this list: send back `next_cursor` as it was');
  return position;
}

function filterOf(query: {
  cluster_id?: string | undefined;
  deployment_id?: string | undefined;
  type?: string | undefined;
  actor_id?: string | undefined;
}): EventFilter {
  return {
    clusterId: filterId(query.cluster_id),
    deploymentId: filterId(query.deployment_id),
    type: query.type,
    actorId: filterId(query.actor_id),
  };
}
