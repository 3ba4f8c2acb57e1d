/**
 * Unpacks a tar stream that somebody else made: nothing of it is written outside of the place that was chosen, through a link that it
 * brought along or that was there already.
 */
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, rm, symlink } from 'node:fs/promises';
import { dirname, join, posix, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract } from 'tar-stream';
import { CliError } from '../errors.ts';

type Entry = Extract extends AsyncIterable<infer One> ? One : never;

/** What was left out, and why, in words. */
export type TellLeftOut = (message: string) => void;

/** Unpacks into `target`: the first entry, which the others are below, gets this name. Its directory exists. */
export async function untar(tar: Readable, target: string, tell: TellLeftOut): Promise<void> {
  const unpacking = extract();
  const done = pipeline(tar, unpacking as unknown as NodeJS.WritableStream);
  // Told by the loop below, too, unless that has failed before.
  done.catch(() => undefined);
  let top: string | null = null;
  for await (const entry of unpacking) {
    const parts = partsOf(entry.header.name);
    top ??= parts[0] ?? '.';
    const rest = parts.slice(top === '.' ? 0 : 1);
    if (top !== '.' && parts[0] !== top) throw refused(entry.header.name, `it is not below ${top}`);
    await checkParents(target, rest, entry.header.name);
    await write(entry, { target, top, path: join(target, ...rest), depth: rest.length }, tell);
    entry.resume();
  }
  await done;
}

/** The parts of a name, of which none leads up or to the root. Throws otherwise. */
export function partsOf(name: string): string[] {
  if (name.startsWith('/')) throw refused(name, 'its name begins at the root');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refused(name, 'its name leads out of the directory');
  // What is a name there may be a path here.
  if (sep !== '/' && name.includes(sep)) throw refused(name, `it holds "${sep}"`);
  return parts;
}

interface Place {
  readonly target: string;
  readonly top: string;
  readonly path: string;
  /** How many directories it is below the target. */
  readonly depth: number;
}

/** What is on the way must be directories: a link there would lead to who knows where. */
async function checkParents(target: string, parts: readonly string[], name: string): Promise<void> {
  let path = target;
  for (const part of parts) {
    const found = await lstatOrNull(path);
    if (found === null) await mkdir(path);
    else if (!found.isDirectory()) throw refused(name, `${path} is no directory`);
    path = join(path, part);
  }
}

async function write(entry: Entry, place: Place, tell: TellLeftOut): Promise<void> {
  const { header } = entry;
  // Of a link to nothing, the library says null, whatever its types say.
  const linkname = (header.linkname as string | null) ?? '';
  switch (header.type) {
    case 'directory':
      return makeDirectory(place, header.name);
    case 'file':
    case 'contiguous-file':
      return writeFile(entry, place);
    case 'symlink':
      return makeLink(place, header.name, linkname, tell);
    case 'link':
      return copyLinked(place, header.name, linkname);
    default:
      tell(`left out ${header.name}: it is no file, but a ${header.type}`);
  }
}

async function makeDirectory({ path }: Place, name: string): Promise<void> {
  const found = await lstatOrNull(path);
  if (found === null) await mkdir(path);
  else if (!found.isDirectory()) throw refused(name, `${path} is no directory`);
}

async function writeFile(entry: Entry, { path }: Place): Promise<void> {
  await makeRoom(path, entry.header.name);
  // Exclusive: it follows no link that came in between.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  // No more than permissions: what would run with another's rights here is not for a container to say.
  const file = await open(path, flags, entry.header.mode & 0o777);
  await pipeline(entry as unknown as Readable, file.createWriteStream());
}

async function makeLink({ path, depth }: Place, name: string, to: string, tell: TellLeftOut): Promise<void> {
  if (leadsOut(to, depth)) {
    tell(`left out ${name}: it is a link to ${to}, outside of what is copied`);
    return;
  }
  await makeRoom(path, name);
  await symlink(to, path);
}

/** Whether a link, so many directories below the top, leads out of it. What it passes through may be links: those are looked at, too. */
function leadsOut(to: string, depth: number): boolean {
  if (to === '' || posix.isAbsolute(to)) return true;
  let level = depth - 1;
  for (const part of to.split('/')) {
    if (part === '..') level -= 1;
    else if (part !== '' && part !== '.') level += 1;
    if (level < 0) return true;
  }
  return false;
}

/** A second name of a file that came before. */
async function copyLinked({ target, top, path }: Place, name: string, to: string): Promise<void> {
  const parts = partsOf(to);
  if (top !== '.' && parts[0] !== top) throw refused(name, `it is another name of ${to}`);
  const rest = parts.slice(top === '.' ? 0 : 1);
  await checkParents(target, rest, name);
  const from = join(target, ...rest);
  if ((await lstatOrNull(from))?.isFile() !== true)
    throw refused(name, `it is another name of ${to}, which is no file`);
  await makeRoom(path, name);
  await copyFile(from, path, constants.COPYFILE_EXCL);
}

/** A file or link that is there already is replaced, and not written through. */
async function makeRoom(path: string, name: string): Promise<void> {
  const found = await lstatOrNull(path);
  if (found?.isDirectory() === true) throw refused(name, `${path} is a directory`);
  if (found !== null) await rm(path);
}

async function lstatOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') throw refused(path, `${dirname(path)} is no directory`);
    throw error;
  }
}

function refused(name: string, why: string): CliError {
  return new CliError(`"${name}" is not unpacked: ${why}`);
}
