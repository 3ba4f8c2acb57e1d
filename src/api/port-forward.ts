/** One TCP connection to a port of a container, at the other end of a WebSocket. */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { drained } from '../drained.ts';
import { Channel } from './channel.ts';
import { fromRuntime, type SessionPlace } from './running-replica.ts';
import { endMessage } from './schemas/seeing-in.ts';

/** Dials, carries both ways, and resolves when either side is through. */
export async function forwardPort(
  socket: WebSocket,
  closing: AbortSignal,
  { runtime, key, takeSeat }: SessionPlace,
  port: number,
): Promise<void> {
  const channel = new Channel(socket, endMessage, closing);
  let connection: Duplex | null = null;
  let giveBack: (() => void) | null = null;
  try {
    giveBack = takeSeat();
    connection = await runtime.dial(key, port);
    await carry(channel, connection);
  } catch (error) {
    await channel.fail(fromRuntime(error));
  } finally {
    connection?.destroy();
    giveBack?.();
  }
}

async function carry(channel: Channel<{ type: 'end' }>, connection: Duplex): Promise<void> {
  const cut = () => connection.destroy();
  channel.gone.addEventListener('abort', cut, { once: true });
  if (channel.gone.aborted) cut();
  channel.handle({
    async onBytes(bytes) {
      if (connection.writable && !connection.write(bytes)) await drained(connection);
    },
    onMessage: () => void connection.end(),
  });
  // One side may be through before the other: half of a connection is still one.
  const closed = connection.destroyed ? Promise.resolve() : once(connection, 'close');
  try {
    for await (const bytes of connection.iterator({ destroyOnReturn: false })) await channel.send(bytes as Buffer);
    await channel.tell({ type: 'end' });
    await Promise.race([closed, channel.gone.aborted ? undefined : once(channel.gone, 'abort')]);
  } catch {
    // It broke, at whichever end: it is over.
  }
  await channel.close();
}
