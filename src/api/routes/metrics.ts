import { z } from 'zod';
import type { Api, RouteDeps } from '../context.ts';

/** What this process counts and measures. For the operator: it tells of all organizations. */
export function registerMetricsRoutes(api: Api, { registry }: RouteDeps): void {
  api.get(
    '/metrics',
    {
      config: { operator: true },
      schema: {
        tags: ['Operation'],
        operationId: 'getMetrics',
        summary: 'Metrics in the text format of Prometheus',
        response: { 200: { content: { 'text/plain': { schema: z.string() } } } },
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}
