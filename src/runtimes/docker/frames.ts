const headerBytes = 8;

/**
 * Takes the two outputs of a command without a terminal apart: the engine sends each piece behind 8 bytes of header (stream, three
 * zeros, length in big endian; Docker Engine API, "Attach to a container: stream format"). Chunks may cut it anywhere; a piece is
 * handed on as far as it has come.
 */
export async function* frames(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<{ stream: 'stdout' | 'stderr'; data: Buffer }> {
  let header = Buffer.alloc(0);
  let stream: 'stdout' | 'stderr' = 'stdout';
  let left = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    while (rest.length > 0) {
      if (left > 0) {
        const data = rest.subarray(0, left);
        left -= data.length;
        rest = rest.subarray(data.length);
        yield { stream, data };
        continue;
      }
      const wanted = headerBytes - header.length;
      header = Buffer.concat([header, rest.subarray(0, wanted)]);
      rest = rest.subarray(wanted);
      if (header.length < headerBytes) continue;
      stream = header.readUInt8(0) === 2 ? 'stderr' : 'stdout';
      left = header.readUInt32BE(4);
      header = Buffer.alloc(0);
    }
  }
}
