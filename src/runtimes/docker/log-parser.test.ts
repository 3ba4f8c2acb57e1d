import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogParser } from './log-parser.ts';

const time = '2026-01-02T03:04:05.678901234Z';
const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function frame(stream: 'stdout' | 'stderr', text: string): Buffer {
  const payload = Buffer.from(`${time} ${text}`);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream === 'stdout' ? 1 : 2, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

function parse(chunks: readonly Buffer[]) {
  const parser = new LogParser();
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.flush()];
}

test('tells the streams apart, with the time of each line', () => {
  expect(parse([frame('stdout', 'out\n'), frame('stderr', 'err\r\n'), frame('stdout', '\n')])).toEqual([
    { stream: 'stdout', at, text: 'out' },
    { stream: 'stderr', at, text: 'err' },
    { stream: 'stdout', at, text: '' },
  ]);
});

test('joins the frames of one long line, and leaves out the times between them', () => {
  const frames = [frame('stdout', 'a'), frame('stderr', 'E\n'), frame('stdout', 'b'), frame('stdout', 'c\n')];
  expect(parse(frames).map((line) => line.text)).toEqual(['E', 'abc']);
});

test('gives a last line that was not ended', () => {
  expect(parse([frame('stdout', 'done\n'), frame('stdout', 'no newline')]).map((line) => line.text)).toEqual([
    'done',
    'no newline',
  ]);
});

test('does not wait for ever for the end of a line', () => {
  const endless = Array.from({ length: 40 }, () => frame('stdout', 'x'.repeat(16_384)));
  const lines = parse(endless);
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.map((line) => line.text).join('')).toHaveLength(40 * 16_384);
});

test('reads the same lines however the chunks are cut', () => {
  const line = fc.record({
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    text: fc.stringMatching(/^[a-zäöü漢字🙂 ]{0,20}$/u),
  });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 20 }), (lines, cuts) => {
      const whole = Buffer.concat(lines.map(({ stream, text }) => frame(stream, `${text}\n`)));
      const places = [0, ...cuts.filter((cut) => cut < whole.length).toSorted((a, b) => a - b), whole.length];
      const chunks = places.slice(1).map((end, index) => whole.subarray(places[index], end));
      expect(parse(chunks)).toEqual(lines.map((one) => ({ ...one, at })));
    }),
  );
});
