import { z } from 'zod';
import { isMigrated } from '../../store/migrate.ts';
import type { Api, RouteDeps } from '../context.ts';
import { ApiError } from '../errors.ts';

const Alive = z.object({ status: z.literal('ok') });
const Ready = z.object({ status: z.literal('ready') });

/** For whatever watches over the process: whether to restart it, and whether to send it requests. */
export function registerHealthRoutes(api: Api, { db, closing }: RouteDeps): void {
  api.get(
    '/health',
    {
      config: { public: true },
      schema: {
        tags: ['Operation'],
        operationId: 'getHealth',
        summary: 'Whether the process is alive',
        response: { 200: Alive },
      },
    },
    () => ({ status: 'ok' as const }),
  );

  api.get(
    '/ready',
    {
      config: { public: true, errors: ['shutting_down'] },
      schema: {
        tags: ['Operation'],
        operationId: 'getReadiness',
        summary: 'Whether it can do its work: the database answers, and its schema is up to date',
        response: { 200: Ready },
      },
    },
    async () => {
      if (closing.aborted) throw new ApiError('shutting_down');
      if (!(await isMigrated(db)))
        throw new ApiError('store_unavailable', 'The schema of the database is not up to date.');
      return { status: 'ready' as const };
    },
  );
}
