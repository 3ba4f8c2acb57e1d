/** Routes that turn a request into a WebSocket: who may, and what stands against it, is answered before as everywhere else. */
import websocket from '@fastify/websocket';
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { z } from 'zod';
import type { Api } from './context.ts';
import { ApiError } from './errors.ts';
import { idParams } from './schemas/common.ts';

/** The largest frame that a client may send. */
const frameBytesMax = 1024 * 1024;

declare module 'fastify' {
  interface FastifyRequest {
    /** Opens the session of an upgraded request; set by its route once nothing stands against it. */
    openSession: ((socket: WebSocket) => void) | null;
  }
}

export function acceptUpgrades(api: Api): void {
  api.register(websocket, { options: { maxPayload: frameBytesMax } });
  api.decorateRequest('openSession', null);
}

interface Upgrade<Query> {
  readonly config: FastifyContextConfig;
  readonly querystring: z.ZodType<Query>;
  /** Throws what stands against it; answers with what opens the session. */
  readonly prepare: (request: FastifyRequest, id: string, query: Query) => Promise<(socket: WebSocket) => void>;
}

/** A request that asks for no upgrade is told so. Such routes are in docs/seeing-in.md; the OpenAPI document can't describe them. */
export function addUpgrade<Query>(api: Api, url: string, { config, querystring, prepare }: Upgrade<Query>): void {
  api.register((scope, _options, done) => {
    scope.route({
      method: 'GET',
      url,
      config,
      schema: { hide: true, params: idParams, querystring },
      exposeHeadRoute: false,
      preHandler: async (request) => {
        if (!request.ws) throw new ApiError('upgrade_required');
        request.openSession = await prepare(request, (request.params as { id: string }).id, request.query as Query);
      },
      handler: () => {
        throw new ApiError('upgrade_required');
      },
      wsHandler: (socket, request) => request.openSession?.(socket),
    });
    done();
  });
}
