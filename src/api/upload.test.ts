import { pipeline, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Upload } from './upload.ts';

function through(chunks: Buffer[], bytesMax = 1_000_000): Promise<Buffer> {
  const upload = new Upload(bytesMax);
  // What it fails with is seen by who reads it.
  pipeline(Readable.from(chunks), upload, () => undefined);
  return buffer(upload);
}

test('what is no more than it may be passes as it is, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 10 })), async (chunks) => {
      const pieces = [Buffer.from('name'), ...chunks.map((chunk) => Buffer.from(chunk))];
      expect((await through(pieces)).equals(Buffer.concat(pieces))).toBe(true);
    }),
  );
  expect((await through([])).length).toBe(0);
});

test('one byte too many is too large', async () => {
  expect(await through([Buffer.alloc(6), Buffer.alloc(4)], 10)).toHaveLength(10);
  await expect(through([Buffer.alloc(6), Buffer.alloc(5)], 10)).rejects.toMatchObject({ code: 'body_too_large' });
});

describe('what the engine would unpack is refused, also where it comes byte by byte', () => {
  test.each([
    ['gzip', gzipSync('x')],
    ['bzip2', Buffer.from('BZh91AY&SY', 'latin1')],
    ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 1])],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ])('%s', async (name, bytes) => {
    const bytewise = [...bytes].map((byte) => Buffer.from([byte]));
    for (const chunks of [[bytes], bytewise]) {
      await expect(through(chunks)).rejects.toMatchObject({ code: 'unusable', message: `It is compressed (${name}).` });
    }
  });
});
