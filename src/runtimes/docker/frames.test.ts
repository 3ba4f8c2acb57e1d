import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frames } from './frames.ts';

function frame(stream: 1 | 2, text: string): Buffer {
  const data = Buffer.from(text);
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

async function* cut(bytes: Buffer, at: readonly number[]) {
  let from = 0;
  for (const to of [...at.toSorted((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, to);
    from = to;
  }
}

async function read(chunks: AsyncIterable<Buffer>) {
  const seen = { stdout: '', stderr: '' };
  for await (const { stream, data } of frames(chunks)) seen[stream] += data.toString('latin1');
  return seen;
}

test('wherever the chunks are cut, each output gets its bytes and no others', async () => {
  const piece = fc.tuple(fc.constantFrom(1 as const, 2 as const), fc.string({ maxLength: 20, unit: 'grapheme-ascii' }));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(200)), async (pieces, cuts) => {
      const bytes = Buffer.concat(pieces.map(([stream, text]) => frame(stream, text)));
      const inside = cuts.map((at) => Math.min(at, bytes.length));
      const written = (wanted: 1 | 2) => pieces.flatMap(([stream, text]) => (stream === wanted ? [text] : [])).join('');
      expect(await read(cut(bytes, inside))).toEqual({ stdout: written(1), stderr: written(2) });
    }),
  );
});

test('a piece that never ends is handed on as far as it has come', async () => {
  expect(await read(cut(frame(2, 'whole').subarray(0, 10), []))).toEqual({ stdout: '', stderr: 'wh' });
});
