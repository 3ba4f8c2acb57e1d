/** A client of the WebSockets of the API, as docs/seeing-in.md describes them. */
import { once } from 'node:events';
import { StringDecoder } from 'node:string_decoder';
import { WebSocket } from 'ws';
import type { Problem } from '../conformance/client.ts';

export interface TestTalk {
  readonly socket: WebSocket;
  /** What came so far, by stream; without streams all of it is `stdout`. */
  readonly said: { stdout: string; stderr: string };
  readonly messages: Record<string, unknown>[];
  input(text: string | Buffer): void;
  tell(message: object): void;
  /** The code that the other side closed with. */
  readonly closed: Promise<number>;
}

interface Options {
  readonly headers?: Record<string, string>;
  /** Each frame begins with the number of its stream. */
  readonly streams?: boolean;
}

export async function openTalk(url: string, { headers = {}, streams = true }: Options = {}): Promise<TestTalk> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
  const said = { stdout: '', stderr: '' };
  // A frame may end in the middle of a character.
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  const hear = (stream: 'stdout' | 'stderr', data: Buffer) => (said[stream] += decoders[stream].write(data));
  const messages: Record<string, unknown>[] = [];
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) messages.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>);
    else if (!streams) hear('stdout', data);
    else hear(data[0] === 2 ? 'stderr' : 'stdout', data.subarray(1));
  });
  const closed = once(socket, 'close').then(([code]) => code as number);
  await once(socket, 'open');
  return {
    socket,
    said,
    messages,
    input(text) {
      const bytes = Buffer.from(text as string);
      socket.send(streams ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
    },
    tell: (message) => socket.send(JSON.stringify(message)),
    closed,
  };
}

/** The problem that an upgrade is refused with. */
export async function refusedTalk(url: string, headers: Record<string, string>): Promise<Problem> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
  socket.on('error', () => undefined);
  const refused = once(socket, 'unexpected-response');
  const opened = once(socket, 'open').then(() => {
    socket.terminate();
    throw new Error('it was not refused');
  });
  const [, response] = (await Promise.race([refused, opened])) as [unknown, AsyncIterable<Buffer>];
  let text = '';
  for await (const chunk of response) text += chunk.toString('utf8');
  return JSON.parse(text) as Problem;
}
