import { stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { pipeline, Readable, Transform } from 'node:stream';
import { type FileInfo, getFileInfo } from '../../sdk/index.ts';
import { type AddCommand, options, wholeNumber } from '../command.ts';
import { CliError, fromProblem } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findDeployment } from '../find.ts';
import { say } from '../output.ts';
import { bearer, call, type Globals, openSession, type Session, unreachable } from '../session.ts';
import { openStream } from '../stream.ts';

interface CopyOptions {
  readonly replica: number;
}

type Given = CopyOptions & Globals;

export const addCopy: AddCommand = (program) => {
  program
    .command('cp')
    .description('copy files into a container, or out of it: hv cp FILE NAME:/path, hv cp NAME:/path FILE')
    .argument('<from>')
    .argument('<to>')
    .option('--replica <index>', 'of this replica', wholeNumber, 0)
    .action(async (from: string, to: string, _options, command) => {
      const given = options<CopyOptions>(command);
      const [source, target] = [parsePlace(from), parsePlace(to)];
      if ((source.name === null) === (target.name === null)) {
        throw new CliError('one of both must be in a container: NAME:/path', exitCodes.usage);
      }
      const session = await openSession(given);
      const { id } = await findDeployment(session, source.name ?? target.name ?? '');
      if (source.name === null) await copyIn(session, id, source.path, target.path, given);
      else await copyOut(session, id, source.path, target.path, given);
      say(given, `${from} is copied to ${to}`);
    });
};

interface Place {
  /** Null: here. */
  readonly name: string | null;
  readonly path: string;
}

/** NAME:/path is in a container; anything else is here. */
function parsePlace(text: string): Place {
  const found = /^([^/:][^:]*):(\/.*)$/s.exec(text);
  return found === null ? { name: null, path: text } : { name: found[1] ?? '', path: found[2] ?? '' };
}

const warn = (message: string) => console.error(message);

/** Into a directory that there is, under its own name; else under the name that was given. */
async function copyIn(session: Session, id: string, from: string, to: string, given: Given): Promise<void> {
  const there = await infoOf(session, id, to, given);
  if (there === null && to.endsWith('/')) throw new CliError(`there is no directory ${to}`, exitCodes.notFound);
  const [directory, name] =
    there?.kind === 'directory' ? [to, basename(resolve(from))] : [posix.dirname(to), posix.basename(to)];
  const { tarOf } = await import('../copy/tar-of.ts');
  const tar = await tarOf(from, name, warn);
  await upload(session, `/deployments/${id}/files?${queryOf(directory, given).toString()}`, tar, given);
}

async function copyOut(session: Session, id: string, from: string, to: string, given: Given): Promise<void> {
  const here = await stat(to).catch(() => null);
  const target = here?.isDirectory() === true ? join(to, posix.basename(posix.join('/', from)) || '.') : to;
  const parent = await stat(dirname(resolve(target))).catch(() => null);
  if (parent?.isDirectory() !== true)
    throw new CliError(`there is no directory ${dirname(resolve(target))}`, exitCodes.notFound);
  const body = await openStream(session, `/deployments/${id}/files?${queryOf(from, given).toString()}`);
  const files = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
  const { untar } = await import('../copy/untar.ts');
  await untar(counted(files, given), resolve(target), warn);
}

const queryOf = (path: string, { replica }: Given) => new URLSearchParams({ path, replica: String(replica) });

/** Null where there is nothing of that name. */
async function infoOf(session: Session, id: string, path: string, { replica }: Given): Promise<FileInfo | null> {
  try {
    return await call(session, getFileInfo({ client: session.client, path: { id }, query: { path, replica } }));
  } catch (error) {
    if (error instanceof CliError && error.message.includes(`no ${path} in`)) return null;
    throw error;
  }
}

async function upload(session: Session, path: string, tar: Readable, given: Given): Promise<void> {
  const body = Readable.toWeb(counted(tar, given));
  const headers = { authorization: bearer(session), 'content-type': 'application/x-tar' };
  const init = { method: 'PUT', headers, body, duplex: 'half' } as RequestInit;
  let response: Response;
  try {
    response = await fetch(`${session.url}/api/v1${path}`, init);
  } catch (error) {
    throw tar.errored ?? unreachable(session, error);
  } finally {
    // It may be refused before all of it was read.
    tar.destroy();
  }
  if (!response.ok) throw fromProblem((await response.json()) as Parameters<typeof fromProblem>[0]);
}

/** Says how much has gone through, once a second, to people at a terminal. */
function counted(files: Readable, { quiet, json }: Given): Readable {
  let bytes = 0;
  let told = false;
  const shows = process.stderr.isTTY && quiet !== true && json !== true;
  const timer = setInterval(() => {
    if (!shows) return;
    told = true;
    process.stderr.write(`\r${(bytes / 1e6).toFixed(1)} MB\u001b[K`);
  }, 1000);
  timer.unref();
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(null, chunk);
    },
    destroy(error, done) {
      clearInterval(timer);
      if (told) process.stderr.write('\r\u001b[K');
      done(error);
    },
  });
  // Whoever reads from it is told of a failure.
  return pipeline(files, through, () => undefined);
}
