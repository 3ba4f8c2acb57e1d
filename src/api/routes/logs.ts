import { z } from 'zod';
import type { LogLine } from '../../runtimes/runtime.ts';
import { pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { openLog } from '../replica-logs.ts';
import { idParams } from '../schemas/common.ts';
import { LogQuery } from '../schemas/deployments.ts';
import { goneSignal, sendPieces } from '../streaming.ts';

export const registerLogRoutes: Routes = (api, deps) => {
  api.get(
    '/deployments/:id/logs',
    {
      config: { role: 'viewer', errors: ['runtime_unreachable'] },
      schema: {
        operationId: 'getLogs',
        summary: 'Read or follow the log of a replica',
        tags: ['Deployments'],
        params: idParams,
        querystring: LogQuery,
        response: {
          200: z.string().describe('`text/plain`, or `application/x-ndjson` with {stream, at, text} in each line.'),
        },
      },
    },
    async (request, reply) => {
      const { attempt, replica, run, tail, since, follow, format } = request.query;
      const signal = goneSignal(reply, deps);
      const log = {
        deploymentId: pathId(request.params.id, 'deployment'),
        attempt,
        replica,
        run,
        tail,
        since: since === undefined ? undefined : Date.parse(since),
        follow,
      };
      const lines = await openLog(deps, scopeOf(request), log, signal);
      const contentType = format === 'text' ? 'text/plain; charset=utf-8' : 'application/x-ndjson; charset=utf-8';
      return sendPieces(reply, contentType, written(lines, format, follow), signal);
    },
  );
};

/** A live line is sent at once; those of a long log together, in pieces of about so many characters. */
const pieceSize = 32_768;

async function* written(
  lines: AsyncIterable<LogLine>,
  format: 'text' | 'ndjson',
  live: boolean,
): AsyncGenerator<string> {
  const write = format === 'text' ? asText : asJson;
  let piece = '';
  for await (const line of lines) {
    piece += write(line);
    if (!live && piece.length < pieceSize) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

function asText({ text }: LogLine): string {
  return `${text}\n`;
}

function asJson({ stream, at, text }: LogLine): string {
  return `${JSON.stringify({ stream, at: new Date(at).toISOString(), text })}\n`;
}
