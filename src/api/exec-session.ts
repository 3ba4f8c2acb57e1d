/** A command in a container, at the other end of a WebSocket. */
import type { WebSocket } from 'ws';
import type { z } from 'zod';
import type { ExecOptions, ExecSession } from '../runtimes/seeing-in.ts';
import { Channel } from './channel.ts';
import { fromRuntime, type SessionPlace } from './running-replica.ts';
import { execMessage } from './schemas/seeing-in.ts';

/** The first byte of each binary frame: which stream the others are of. */
const streams = { stdin: 0, stdout: 1, stderr: 2 } as const;

/** Runs the command and resolves when all is over: it has ended, or the client has gone, and then it is ended. */
export async function runExec(
  socket: WebSocket,
  closing: AbortSignal,
  { runtime, key, takeSeat }: SessionPlace,
  options: ExecOptions,
): Promise<void> {
  const channel = new Channel(socket, execMessage, closing);
  let session: ExecSession | null = null;
  let giveBack: (() => void) | null = null;
  try {
    giveBack = takeSeat();
    session = await runtime.exec(key, options);
    await converse(channel, session);
  } catch (error) {
    await channel.fail(fromRuntime(error));
  } finally {
    await session?.kill();
    giveBack?.();
  }
}

async function converse(channel: Channel<z.infer<typeof execMessage>>, session: ExecSession): Promise<void> {
  // Whoever reads its output stops then, too.
  const kill = () => void session.kill();
  channel.gone.addEventListener('abort', kill, { once: true });
  if (channel.gone.aborted) kill();
  channel.handle({
    async onBytes(bytes) {
      if (bytes[0] === streams.stdin && bytes.length > 1) await session.write(bytes.subarray(1));
    },
    async onMessage(message) {
      if (message.type === 'end') session.endInput();
      else await session.resize(message);
    },
  });
  for await (const { stream, data } of session.output) {
    await channel.send(Buffer.concat([Buffer.from([streams[stream]]), data]));
    if (channel.gone.aborted) return;
  }
  await channel.tell({ type: 'exit', code: await session.exitCode() });
  await channel.close();
}
