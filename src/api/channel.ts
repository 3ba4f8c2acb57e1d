/** One WebSocket, as the sessions use it: bytes both ways with back-pressure, and messages beside them (docs/seeing-in.md). */
import { once } from 'node:events';
import type { WebSocket } from 'ws';
import type { z } from 'zod';
import { RuntimeError } from '../runtimes/runtime.ts';
import { ApiError } from './errors.ts';

/** A client that does not answer for so long is gone, and nobody told us. */
const beatMs = 20_000;
const closeCodes = { done: 1000, goingAway: 1001, badMessage: 1008, failed: 1011 } as const;

interface Handlers<Message> {
  /** Resolves once more may come: until then the client is not read from. */
  readonly onBytes: (bytes: Buffer) => Promise<void> | void;
  readonly onMessage: (message: Message) => Promise<void> | void;
}

export class Channel<Message> {
  readonly #socket: WebSocket;
  readonly #schema: z.ZodType<Message>;
  readonly #gone = new AbortController();
  #handlers: Handlers<Message> | null = null;
  /** What has come and was not handled yet, in order. */
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  #open: () => void = () => undefined;

  /** To be made as soon as there is a socket: what comes before anybody listens is lost. `closing`: the server closes. */
  constructor(socket: WebSocket, schema: z.ZodType<Message>, closing: AbortSignal) {
    this.#socket = socket;
    this.#schema = schema;
    this.#queue = new Promise((resolve) => (this.#open = resolve));
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    const goAway = () => socket.close(closeCodes.goingAway, 'the server closes');
    closing.addEventListener('abort', goAway, { once: true });
    if (closing.aborted) goAway();
    const stopBeating = beat(socket);
    socket.once('close', () => {
      closing.removeEventListener('abort', goAway);
      stopBeating();
      this.#gone.abort();
      this.#open();
    });
  }

  /** Aborts when the client is gone, or has been told good-bye. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** From now on, what comes is handled, and first what has come already. */
  handle(handlers: Handlers<Message>): void {
    this.#handlers = handlers;
    this.#open();
  }

  /** Resolves once the bytes are on their way: whoever waits for it sends no faster than the client reads. */
  send(bytes: Buffer): Promise<void> {
    return this.#write(bytes, true);
  }

  /** A message beside the bytes. */
  tell(message: object): Promise<void> {
    return this.#write(JSON.stringify(message), false);
  }

  /** Says good-bye, and resolves once the client has gone. */
  async close(code: keyof typeof closeCodes = 'done'): Promise<void> {
    if (this.gone.aborted) return;
    this.#socket.close(closeCodes[code]);
    await once(this.gone, 'abort');
  }

  /** Tells why it ends, in words for people; what nobody expected is told as such. */
  async fail(error: unknown): Promise<void> {
    const known = error instanceof ApiError || error instanceof RuntimeError;
    const [code, message] = known
      ? [error.code, error.message]
      : ['internal_error', 'Something went wrong in Hypervisor.'];
    await this.tell({ type: 'error', code, message });
    await this.close('failed');
  }

  #write(data: Buffer | string, binary: boolean): Promise<void> {
    return new Promise((resolve) => {
      // That the client is gone is told by `gone`.
      if (this.#socket.readyState !== this.#socket.OPEN) return resolve();
      this.#socket.send(data, { binary }, () => resolve());
    });
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#waiting += 1;
    this.#socket.pause();
    this.#queue = this.#queue
      .then(() => this.#dispatch(data, isBinary))
      .catch(() => this.#socket.terminate())
      .finally(() => {
        this.#waiting -= 1;
        if (this.#waiting === 0) this.#socket.resume();
      });
  }

  async #dispatch(data: Buffer, isBinary: boolean): Promise<void> {
    if (this.gone.aborted || this.#handlers === null) return;
    if (isBinary) return this.#handlers.onBytes(data);
    const message = this.#schema.safeParse(parsed(data));
    if (message.success) return this.#handlers.onMessage(message.data);
    await this.tell({
      type: 'error',
      code: 'validation_failed',
      message: 'There is no such message: see docs/seeing-in.md.',
    });
    this.#socket.close(closeCodes.badMessage);
  }
}

function parsed(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Asks now and then whether the client is there; one that is not is cut off. */
function beat(socket: WebSocket): () => void {
  let alive = true;
  socket.on('pong', () => (alive = true));
  const timer = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  }, beatMs);
  return () => clearInterval(timer);
}
