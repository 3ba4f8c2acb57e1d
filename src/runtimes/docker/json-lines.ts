import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** The JSON documents of a stream, one a line, however its chunks cut them. */
export async function* jsonLines(stream: Readable): AsyncGenerator<Record<string, unknown>> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.trim() !== '') yield JSON.parse(part) as Record<string, unknown>;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as Record<string, unknown>;
}
