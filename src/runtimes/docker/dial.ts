import { connect, type Socket } from 'node:net';
import type { ContainerInspectInfo } from 'dockerode';
import { RuntimeError } from '../runtime.ts';

const connectMs = 10_000;
const keepAliveMs = 30_000;

/**
 * A connection to a port of the container's own address. It is looked up again once the connection stands: had the container ended in
 * between, somebody else's might have got its address.
 */
export async function dialContainer(
  look: () => Promise<ContainerInspectInfo | null>,
  port: number,
  isLocal: boolean,
): Promise<Socket> {
  const before = await look();
  const address = addressOf(before);
  if (!isLocal) {
    throw new RuntimeError('refused', "its ports are reached only where the engine is on the control plane's machine");
  }
  const socket = await open(address, port);
  const after = await look().catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  if (after === null || after.Id !== before?.Id || !after.State.Running || addressOf(after) !== address) {
    socket.destroy();
    throw new RuntimeError('not_running', 'the container ended just now');
  }
  return socket;
}

/** One that shares the network of its machine has none: its ports are the machine's, and not to be reached by this way. */
function addressOf(info: ContainerInspectInfo | null): string {
  if (info === null) throw new RuntimeError('not_found', 'the container is gone');
  if (!info.State.Running) throw new RuntimeError('not_running', 'the container does not run');
  const networks = Object.entries(info.NetworkSettings.Networks ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const found = networks.map(([, { IPAddress }]) => IPAddress).find((address) => address !== '');
  if (found === undefined) throw new RuntimeError('refused', 'the container has no network address of its own');
  return found;
}

function open(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, timeout: connectMs });
    const fail = (message: string, cause?: Error) => {
      socket.destroy();
      reject(new RuntimeError('refused', message, { cause }));
    };
    socket.once('timeout', () => fail(`port ${port} of the container did not answer within ${connectMs / 1000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(inWords(port, error), error));
    socket.once('connect', () => {
      socket.setTimeout(0);
      // One whose container is gone without a word is noticed.
      socket.setKeepAlive(true, keepAliveMs);
      socket.removeAllListeners('timeout');
      socket.removeAllListeners('error');
      // Whoever uses it hears of its end by `close`.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

function inWords(port: number, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED') return `nobody listens on port ${port} of the container`;
  return `port ${port} of the container can't be reached (${code ?? message})`;
}
