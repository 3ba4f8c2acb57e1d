/** Answers that go on: they end when their source does, when the client goes, or when the server closes. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { RouteDeps } from './context.ts';

/** Aborts when nobody reads any more, or nobody is to write any more. */
export function goneSignal(reply: FastifyReply, deps: RouteDeps): AbortSignal {
  const gone = new AbortController();
  const { socket } = reply.request.raw;
  reply.raw.once('close', () => {
    gone.abort();
    // A client would keep the connection for its next request, and the server could not close.
    if (deps.closing.aborted) socket.end();
  });
  return AbortSignal.any([gone.signal, deps.closing]);
}

/** Sends the pieces as fast as the client takes them, and no faster: the source waits meanwhile. */
export function sendPieces(
  reply: FastifyReply,
  contentType: string,
  pieces: AsyncIterable<string>,
  signal: AbortSignal,
): FastifyReply {
  return (
    reply
      .header('content-type', contentType)
      // Proxies that collect an answer before they pass it on would stop a live one.
      .header('x-accel-buffering', 'no')
      .send(Readable.from(untilAborted(pieces, signal), { objectMode: false, highWaterMark: 16_384 }))
  );
}

/** That the reader went is no failure: then the stream just ends. */
async function* untilAborted(pieces: AsyncIterable<string>, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const piece of pieces) yield Buffer.from(piece);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
