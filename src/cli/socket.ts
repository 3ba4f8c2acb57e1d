import { on } from 'node:events';
import { WebSocket } from 'ws';
import type { Problem } from '../sdk/index.ts';
import { CliError, fromProblem } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { bearer, type Session, unreachable } from './session.ts';

/** So many messages are taken in before somebody has read them; then the service is kept waiting. */
const ahead = { highWaterMark: 64, lowWaterMark: 1 };

type Message = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A WebSocket of the API: bytes, and messages beside them (docs/seeing-in.md). */
export interface Talk {
  /** What comes, in order; it ends when the service says good-bye, and throws where it tells of an error. */
  readonly received: AsyncIterable<Buffer | Message>;
  /** Resolves once the bytes are on their way. Where nobody is there any more, they are dropped. */
  send(bytes: Buffer): Promise<void>;
  tell(message: Message): Promise<void>;
  close(): void;
}

/** Throws in plain words where it is refused, or the service can't be reached. */
export async function openTalk(session: Session, path: string): Promise<Talk> {
  const url = `${session.url.replace(/^http/, 'ws')}/api/v1${path}`;
  const socket = new WebSocket(url, { headers: { authorization: bearer(session) } });
  // From the beginning, so that nothing is missed.
  const messages = on(socket, 'message', { close: ['close'], ...ahead }) as AsyncIterable<[Buffer, boolean]>;
  await opened(socket, session);
  let broken: Error | null = null;
  socket.on('error', (error) => (broken = error));
  const write = (data: Buffer | string, binary: boolean) =>
    new Promise<void>((resolve) => {
      if (socket.readyState !== WebSocket.OPEN) return resolve();
      socket.send(data, { binary }, () => resolve());
    });
  return {
    received: received(messages, () => broken),
    send: (bytes) => write(bytes, true),
    tell: (message) => write(JSON.stringify(message), false),
    close: () => socket.close(),
  };
}

function opened(socket: WebSocket, session: Session): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(unreachable(session, error)));
    socket.once('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      response.on('end', () => reject(refusal(session, response.statusCode ?? 0, text)));
    });
  });
}

function refusal(session: Session, status: number, text: string): CliError {
  try {
    return fromProblem(JSON.parse(text) as Problem);
  } catch {
    return new CliError(`${session.url} answered with ${status}, and not as Hypervisor does: is it another service?`);
  }
}

async function* received(
  messages: AsyncIterable<[Buffer, boolean]>,
  broken: () => Error | null,
): AsyncGenerator<Buffer | Message> {
  try {
    for await (const [data, isBinary] of messages) {
      if (isBinary) yield data;
      else yield checked(JSON.parse(data.toString('utf8')) as Message);
    }
  } catch (error) {
    throw broken() === null ? error : lost(broken());
  }
  if (broken() !== null) throw lost(broken());
}

function checked(message: Message): Message {
  if (message.type === 'error') throw new CliError(String(message['message']), exitCodes.conflict);
  return message;
}

function lost(error: Error | null): CliError {
  return new CliError(`the connection was lost (${error?.message ?? 'no reason given'})`, exitCodes.unreachable);
}
