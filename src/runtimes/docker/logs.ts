import { StringDecoder } from 'node:string_decoder';
import type { LogLine } from '../runtime.ts';

const headerBytes = 8;
const streams: Record<number, LogLine['stream']> = { 1: 'stdout', 2: 'stderr' };

/**
 * Turns the engine's multiplexed log stream into lines. A frame is 8 bytes of header (stream, three zeros, length in big
 * endian) and its payload (Docker Engine API, "Attach to a container: stream format"); frames and lines may be cut anywhere by
 * the chunks that they come in. Each line begins with its time, since `timestamps` is asked for.
 */
export class LogParser {
  #buffered: Buffer = Buffer.alloc(0);
  /** What has come of a line whose end has not. */
  readonly #partial: Record<LogLine['stream'], string> = { stdout: '', stderr: '' };
  readonly #decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };

  push(chunk: Buffer): LogLine[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const lines: LogLine[] = [];
    while (this.#buffered.length >= headerBytes) {
      const length = this.#buffered.readUInt32BE(4);
      if (this.#buffered.length < headerBytes + length) break;
      const stream = streams[this.#buffered.readUInt8(0)] ?? 'stdout';
      this.#addText(stream, this.#buffered.subarray(headerBytes, headerBytes + length), lines);
      this.#buffered = this.#buffered.subarray(headerBytes + length);
    }
    return lines;
  }

  /** At the end: lines that were not ended by a newline. */
  flush(): LogLine[] {
    const lines: LogLine[] = [];
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#partial[stream] !== '') lines.push(toLine(stream, this.#partial[stream]));
      this.#partial[stream] = '';
    }
    return lines;
  }

  #addText(stream: LogLine['stream'], payload: Buffer, lines: LogLine[]): void {
    const parts = (this.#partial[stream] + this.#decoders[stream].write(payload)).split('\n');
    this.#partial[stream] = parts.pop() ?? '';
    for (const part of parts) lines.push(toLine(stream, part));
  }
}

function toLine(stream: LogLine['stream'], raw: string): LogLine {
  const space = raw.indexOf(' ');
  const at = Date.parse(space === -1 ? raw : raw.slice(0, space));
  const text = space === -1 ? '' : raw.slice(space + 1);
  return { stream, at: Number.isNaN(at) ? 0 : at, text: text.endsWith('\r') ? text.slice(0, -1) : text };
}
