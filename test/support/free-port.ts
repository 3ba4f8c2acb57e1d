import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below those that the kernel gives to whoever asks for any: nobody gets one of these meanwhile without naming it. */
const first = 20_000;
const last = 32_767;

/** A port of this machine that nobody listens on, for what is to listen on it later. */
export async function freePort(): Promise<number> {
  const count = last - first + 1;
  const start = randomInt(count);
  for (let tried = 0; tried < count; tried += 1) {
    const port = first + ((start + tried) % count);
    if (await isFree(port)) return port;
  }
  throw new Error(`all ports from ${first} to ${last} are in use`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  });
}
