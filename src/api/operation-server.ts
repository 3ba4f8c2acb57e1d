/** What a process without the API answers: whether it is alive and ready, and its metrics. For whatever watches over processes. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { collectDefaultMetrics, type Registry } from 'prom-client';
import type { Database } from '../store/database.ts';
import { isMigrated } from '../store/migrate.ts';

interface Deps {
  readonly db: Database;
  readonly logger: FastifyBaseLogger;
  readonly registry: Registry;
}

/** The same addresses as with the API, so that one health check serves every role. Nobody signs in here: bind it to where only they are who may see it. */
export function createOperationServer({ db, logger, registry }: Deps): FastifyInstance {
  const server = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    forceCloseConnections: true,
  });
  collectDefaultMetrics({ register: registry });
  server.get('/api/v1/health', () => ({ status: 'ok' }));
  server.get('/api/v1/ready', async (_request, reply) => {
    const isReady = await isMigrated(db).catch(() => false);
    return isReady ? { status: 'ready' } : reply.code(503).send({ status: 'the database does not answer' });
  });
  server.get('/api/v1/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ status: 'this process has no API: ask one with the role api, or all' }),
  );
  return server;
}
