import { posix } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { RuntimeError } from '../runtime.ts';
import type { FileInfo } from '../seeing-in.ts';

interface Entry {
  /** Null: a directory. */
  readonly content: Buffer | null;
  readonly mode: number;
  readonly modifiedAt: number;
}

/** By their absolute paths, without a slash at the end. */
export type Files = Map<string, Entry>;

const directory = (modifiedAt = 0): Entry => ({ content: null, mode: 0o755, modifiedAt });

export function newFiles(): Files {
  return new Map([
    ['/', directory()],
    ['/tmp', directory()],
  ]);
}

export const normal = (path: string) => posix.join('/', path).replace(/(.)\/$/, '$1');

export function statFile(files: Files, path: string): FileInfo | null {
  const entry = files.get(normal(path));
  if (entry === undefined) return null;
  return {
    name: posix.basename(normal(path)),
    kind: entry.content === null ? 'directory' : 'file',
    bytes: entry.content?.length ?? 0,
    mode: entry.mode,
    modifiedAt: entry.modifiedAt,
  };
}

export function packFiles(files: Files, path: string): Readable {
  const top = normal(path);
  if (!files.has(top)) throw new RuntimeError('not_found', `there is no ${path} in the container`);
  const tar = pack();
  const below = top === '/' ? '/' : `${top}/`;
  for (const [name, { content, mode, modifiedAt }] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (name !== top && !name.startsWith(below)) continue;
    const header = { name: posix.relative(posix.dirname(top), name) || '.', mode, mtime: new Date(modifiedAt) };
    if (content === null) tar.entry({ ...header, name: `${header.name}/`, type: 'directory' });
    else tar.entry(header, content);
  }
  tar.finalize();
  return tar as unknown as Readable;
}

export async function unpackFiles(files: Files, into: string, tar: Readable): Promise<void> {
  const top = files.get(normal(into));
  if (top === undefined) throw new RuntimeError('not_found', `there is no ${into} in the container`);
  if (top.content !== null) throw new RuntimeError('invalid', `${into} is not a directory of the container`);
  const unpacking = extract();
  pipeline(tar, unpacking as unknown as NodeJS.WritableStream, () => undefined);
  try {
    for await (const entry of unpacking) {
      const { header } = entry;
      const path = normal(posix.join(into, normal(header.name)));
      const modifiedAt = header.mtime?.getTime() ?? 0;
      const content = await buffer(entry);
      if (header.type === 'directory') files.set(path, directory(modifiedAt));
      else if (header.type === 'file') files.set(path, { content, mode: header.mode ?? 0o644, modifiedAt });
    }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new RuntimeError('invalid', `it can't be unpacked as a tar stream (${words})`, { cause: error });
  }
}
