import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import type { TellLeftOut } from './untar.ts';

/** A file, or a directory with all that is in it, as a tar stream whose first entry is `name`. Links inside of it stay links. */
export async function tarOf(path: string, name: string | null, tell: TellLeftOut): Promise<Readable> {
  // What was named may itself be a link: it is meant as what it points to.
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`${path} can't be read (${error.code ?? error.message})`, exitCodes.notFound);
  });
  if (!found.isFile() && !found.isDirectory()) throw new CliError(`${path} is no file and no directory`);
  const tar = pack();
  add(tar, path, name ?? basename(resolve(path)), tell)
    .then(() => tar.finalize())
    .catch((error: Error) => tar.destroy(error));
  return Readable.from(tar, { objectMode: false });
}

async function add(tar: Pack, path: string, name: string, tell: TellLeftOut, isTop = true): Promise<void> {
  const found = await (isTop ? stat(path) : lstat(path));
  const header = { name, mode: found.mode & 0o777, mtime: found.mtime, uid: 0, gid: 0 };
  if (found.isDirectory()) {
    await put(tar, { ...header, name: `${name}/`, type: 'directory' });
    for (const child of (await readdir(path)).toSorted())
      await add(tar, join(path, child), `${name}/${child}`, tell, false);
  } else if (found.isSymbolicLink()) {
    await put(tar, { ...header, type: 'symlink', linkname: await readlink(path) });
  } else if (found.isFile()) {
    const entry = tar.entry({ ...header, size: found.size });
    // One that grows meanwhile is copied as far as it was long.
    const end = found.size === 0 ? undefined : found.size - 1;
    const content = found.size === 0 ? Readable.from([]) : createReadStream(path, { end });
    await pipeline(content, entry as unknown as NodeJS.WritableStream);
  } else {
    tell(`left out ${path}: it is no file`);
  }
}

function put(tar: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> {
  return new Promise((done, failed) => {
    tar.entry(header, (error) => (error ? failed(error) : done()));
  });
}
