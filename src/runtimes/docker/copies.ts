import type { IncomingMessage } from 'node:http';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { RuntimeError } from '../runtime.ts';
import type { FileInfo } from '../seeing-in.ts';
import { within } from './deadline.ts';
import { statusOf, toRuntimeError } from './errors.ts';

/** What the engine says of a path (Docker Engine API, "Get information about files in a container"), in Go's bits of a file's mode. */
interface PathStat {
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  readonly mtime: string;
  /** Where a link leads in the end, from the root of the container. */
  readonly linkTarget: string;
}

const goDirectory = 2 ** 31;
const goSymlink = 2 ** 27;
/** Links, devices, pipes, sockets and what Go can't tell. */
const goOther = goSymlink | (1 << 26) | (1 << 25) | (1 << 24) | (1 << 21) | (1 << 19);

export interface Place {
  /** Has a time limit for each answer. */
  readonly container: Docker.Container;
  /** Has none: a copy takes as long as it takes. */
  readonly patient: Docker.Container;
  readonly answerMs: number;
}

/** Null where there is nothing of that name. */
export async function statFile(place: Place, path: string): Promise<FileInfo | null> {
  const found = await follow(place, path);
  if (found === null) return null;
  const { stat } = found;
  return {
    name: posix.basename(path),
    kind: isOf(stat.mode, goDirectory) ? 'directory' : (stat.mode & goOther) === 0 ? 'file' : 'other',
    bytes: stat.size,
    mode: stat.mode & 0o777,
    modifiedAt: Date.parse(stat.mtime),
  };
}

export async function readFiles(place: Place, path: string): Promise<Readable> {
  const found = await follow(place, path);
  if (found === null) throw noSuchPath(path);
  try {
    const opening = place.patient.getArchive({ path: found.path }) as Promise<unknown> as Promise<Readable>;
    return await within(place.answerMs, opening, (late) => late.destroy());
  } catch (error) {
    throw fileError(error, path);
  }
}

export async function writeFiles(place: Place, directory: string, tar: Readable, signal: AbortSignal): Promise<void> {
  try {
    const options = { path: directory, noOverwriteDirNonDir: 'true', abortSignal: signal };
    await place.patient.putArchive(tar, options);
  } catch (error) {
    signal.throwIfAborted();
    throw fileError(error, directory);
  }
}

/** As `Number.isInteger` of 32 bits: the highest is a sign to the operators of this language. */
const isOf = (mode: number, bit: number) => Math.floor(mode / bit) % 2 === 1;

/** What a path is in the end, and where: the engine packs a link itself, and not what it leads to. */
async function follow(place: Place, path: string): Promise<{ path: string; stat: PathStat } | null> {
  const stat = await look(place, path);
  if (stat === null || !isOf(stat.mode, goSymlink)) return stat && { path, stat };
  const target = await look(place, stat.linkTarget);
  return target && { path: stat.linkTarget, stat: target };
}

async function look({ container, answerMs }: Place, path: string): Promise<PathStat | null> {
  try {
    const looking = container.infoArchive({ path }) as Promise<unknown> as Promise<IncomingMessage>;
    const answer = await within(answerMs, looking, (late) => late.destroy());
    answer.resume();
    const header = String(answer.headers['x-docker-container-path-stat']);
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as PathStat;
  } catch (error) {
    // The answer has no words: that there is such a container was seen a moment ago.
    if (statusOf(error) === 404) return null;
    throw fileError(error, path);
  }
}

const noSuchPath = (path: string) => new RuntimeError('not_found', `there is no ${path} in the container`);

/** What the engine answers where the path, or what was sent, is at fault; otherwise the engine itself is. */
function fileError(error: unknown, path: string): RuntimeError {
  const status = statusOf(error);
  if (status === 404) return noSuchPath(path);
  const known = toRuntimeError(error, 'invalid');
  if (known.code !== 'invalid') return known;
  if (/not a directory/i.test(known.message)) {
    return new RuntimeError('invalid', `${path} is not a directory of the container`, { cause: error });
  }
  if (/read-only/i.test(known.message)) {
    return new RuntimeError('invalid', `${path} may only be read in the container`, { cause: error });
  }
  const tarWords = /^Error processing tar file\(exit status \d+\): (.*)$/s.exec(known.message)?.[1];
  if (tarWords !== undefined) {
    return new RuntimeError('invalid', `it can't be unpacked as a tar stream (${tarWords.trim()})`, { cause: error });
  }
  return known;
}
