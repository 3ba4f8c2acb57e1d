/** A Unix socket in front of another one, which a test can cut and mend: how an engine goes away without being touched. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SocketProxy {
  readonly path: string;
  /** As if nobody listened any more: connections break, new ones are refused. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

/** `name` is that of the socket, where who connects wants a certain one. */
export async function proxyTo(target: string, name = 'engine.sock'): Promise<SocketProxy> {
  const directory = await mkdtemp(join(tmpdir(), 'hv-proxy-'));
  const path = join(directory, name);
  const open = new Set<Socket>();
  let server: Server | null = null;

  const forward = (client: Socket) => {
    const upstream = connect(target);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  };
  const mend = async () => {
    if (server !== null) return;
    const made = createServer({ allowHalfOpen: true }, forward);
    server = made;
    await new Promise<AddressInfo | string | null>((resolve) => made.listen(path, () => resolve(made.address())));
  };
  const cut = async () => {
    const old = server;
    if (old === null) return;
    server = null;
    const closed = new Promise((resolve) => old.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  await mend();
  return {
    path,
    cut,
    mend,
    async close() {
      await cut();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
