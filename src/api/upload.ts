import { Transform, type TransformCallback } from 'node:stream';
import { ApiError } from './errors.ts';

/** How the formats that the engine would unpack by itself begin: a small upload could become a large one. */
const compressions: readonly (readonly [string, Buffer])[] = [
  ['bzip2', Buffer.from('BZh', 'latin1')],
  ['gzip', Buffer.from([0x1f, 0x8b, 0x08])],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
];
const longestStart = Math.max(...compressions.map(([, start]) => start.length));
/** One that sends nothing for so long has gone. */
const silenceMs = 60_000;

/**
 * What an upload passes through on its way into a container: no more than `bytesMax`, not compressed, and not silent for a minute.
 * It fails with what the client is told.
 */
export class Upload extends Transform {
  readonly #bytesMax: number;
  #bytes = 0;
  #start: Buffer | null = Buffer.alloc(0);
  #silence: NodeJS.Timeout | undefined;

  constructor(bytesMax: number) {
    super();
    this.#bytesMax = bytesMax;
    this.#listen();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#listen();
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) return done(tooLarge(this.#bytesMax));
    if (this.#start === null) return done(null, chunk);
    this.#start = Buffer.concat([this.#start, chunk]);
    if (this.#start.length < longestStart) return done();
    this.#pass(done);
  }

  override _flush(done: TransformCallback): void {
    if (this.#start === null) return done();
    this.#pass(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#silence);
    done(error);
  }

  #pass(done: TransformCallback): void {
    const start = this.#start ?? Buffer.alloc(0);
    this.#start = null;
    const found = compressions.find(([, bytes]) => start.subarray(0, bytes.length).equals(bytes));
    if (found === undefined) return done(null, start);
    done(new ApiError('unusable', `It is compressed (${found[0]}).`));
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.destroy(new ApiError('malformed_request', silent)), silenceMs).unref();
  }
}

const silent = `Nothing came for ${silenceMs / 1000} s.`;

export function tooLarge(bytesMax: number): ApiError {
  return new ApiError('body_too_large', `An upload may have at most ${bytesMax} bytes.`);
}
