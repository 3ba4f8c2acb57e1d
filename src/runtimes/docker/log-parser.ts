import { StringDecoder } from 'node:string_decoder';
import type { LogLine } from '../runtime.ts';

const headerBytes = 8;
/** A program that never ends its line does not fill our memory: it gets a line each so many characters. */
const longestLine = 256 * 1024;
const space = ' '.charCodeAt(0);

type Stream = LogLine['stream'];

/** What has come of a line whose end has not. */
interface Partial {
  at: number;
  text: string;
  decoder: StringDecoder;
}

/**
 * Turns the engine's multiplexed log stream into lines. A frame is 8 bytes of header (stream, three zeros, length in big
 * endian) and its payload (Docker Engine API, "Attach to a container: stream format"); chunks may cut it anywhere.
 *
 * Since `timestamps` is asked for, each frame begins with its time. A line of more than 16 KiB comes as several frames, each
 * with a time of its own in front, of which only the last ends in a newline.
 */
export class LogParser {
  #buffered: Buffer = Buffer.alloc(0);
  readonly #partial: Record<Stream, Partial | null> = { stdout: null, stderr: null };

  push(chunk: Buffer): LogLine[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const lines: LogLine[] = [];
    while (this.#buffered.length >= headerBytes) {
      const end = headerBytes + this.#buffered.readUInt32BE(4);
      if (this.#buffered.length < end) break;
      const stream = this.#buffered.readUInt8(0) === 2 ? 'stderr' : 'stdout';
      const line = this.#addFrame(stream, this.#buffered.subarray(headerBytes, end));
      if (line !== null) lines.push(line);
      this.#buffered = this.#buffered.subarray(end);
    }
    return lines;
  }

  /** At the end: lines that were not ended by a newline. */
  flush(): LogLine[] {
    return (['stdout', 'stderr'] as const).map((stream) => this.#end(stream)).filter((line) => line !== null);
  }

  #addFrame(stream: Stream, payload: Buffer): LogLine | null {
    const timeEnd = payload.indexOf(space);
    const time = payload.subarray(0, timeEnd === -1 ? payload.length : timeEnd).toString('latin1');
    const rest = timeEnd === -1 ? Buffer.alloc(0) : payload.subarray(timeEnd + 1);
    const partial = (this.#partial[stream] ??= { at: timeOf(time), text: '', decoder: new StringDecoder('utf8') });
    partial.text += partial.decoder.write(rest);
    return partial.text.endsWith('\n') || partial.text.length > longestLine ? this.#end(stream) : null;
  }

  #end(stream: Stream): LogLine | null {
    const partial = this.#partial[stream];
    this.#partial[stream] = null;
    if (partial === null) return null;
    return { stream, at: partial.at, text: (partial.text + partial.decoder.end()).replace(/\r?\n$/, '') };
  }
}

function timeOf(text: string): number {
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : at;
}
