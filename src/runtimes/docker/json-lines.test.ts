import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { jsonLines } from './json-lines.ts';

test('reads the same documents however the chunks cut them', async () => {
  const documents = [{ status: 'Pulling 漢字 🙂' }, { id: 'a', nested: { text: 'one\ntwo' } }, { last: true }];
  const text = Buffer.from(documents.map((one) => JSON.stringify(one)).join('\r\n'));
  for (let size = 1; size <= text.length; size += 1) {
    const chunks: Buffer[] = [];
    for (let from = 0; from < text.length; from += size) chunks.push(text.subarray(from, from + size));
    const read: unknown[] = [];
    for await (const one of jsonLines(Readable.from(chunks))) read.push(one);
    expect(read).toEqual(documents);
  }
});
