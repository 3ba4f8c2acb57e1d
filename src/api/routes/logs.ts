import { z } from 'zod';
import { pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { type LogPiece, openLog } from '../replica-logs.ts';
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
        summary: 'Read or follow the log of a replica, or of all of them',
        tags: ['Deployments'],
        params: idParams,
        querystring: LogQuery,
        response: {
          200: z
            .string()
            .describe(
              '`text/plain`, or `application/x-ndjson` with {replica, attempt, run, stream, at, text} in each line.',
            ),
        },
      },
    },
    async (request, reply) => {
      const { attempt, replica, run, stream, tail, since, follow, format } = request.query;
      const signal = goneSignal(reply, deps);
      const log = {
        deploymentId: pathId(request.params.id, 'deployment'),
        attempt,
        replica,
        run,
        stream,
        tail,
        since: since === undefined ? undefined : Date.parse(since),
        follow,
      };
      const { name, pieces } = await openLog(deps, scopeOf(request), log, signal);
      const prefix = replica === 'all' ? name : null;
      const contentType = format === 'text' ? 'text/plain; charset=utf-8' : 'application/x-ndjson; charset=utf-8';
      return sendPieces(
        reply,
        contentType,
        written(pieces, format === 'text' ? asText(prefix) : asJson, follow),
        signal,
      );
    },
  );
};

/** A live line is sent at once; those of a long log together, in pieces of about so many characters. */
const pieceSize = 32_768;

async function* written(
  pieces: AsyncIterable<LogPiece>,
  write: (piece: LogPiece) => string,
  live: boolean,
): AsyncGenerator<string> {
  let text = '';
  for await (const piece of pieces) {
    text += write(piece);
    if (!live && text.length < pieceSize) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** Of several replicas, each line says whose it is. */
function asText(name: string | null): (piece: LogPiece) => string {
  return ({ replica, text, notice }) =>
    `${name === null ? '' : `${name}.${replica} | `}${notice === undefined ? text : `[${notice}]`}\n`;
}

function asJson({ replica, attempt, run, stream, at, text, notice }: LogPiece): string {
  const whose = { replica, attempt, run };
  const time = new Date(at).toISOString();
  return `${JSON.stringify(notice === undefined ? { ...whose, stream, at: time, text } : { ...whose, at: time, notice })}\n`;
}
