import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type AddCommand, options } from '../command.ts';
import { CliError, fromProblem } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findCluster } from '../find.ts';
import { parseDuration } from '../format.ts';
import { bearer, openSession, type Session, unreachable } from '../session.ts';

interface ExportOptions {
  readonly cluster?: string;
  readonly since?: string;
  readonly output?: string;
}

export const addExport: AddCommand = (program) => {
  program
    .command('export')
    .description('the history of a cluster as a trace, for hv simulate')
    .option('-c, --cluster <name>', 'the cluster; default: that of the context, or the only one')
    .option('--since <time or duration>', 'only what was submitted from then on: 2026-01-31T09:30:00Z, or 7d ago')
    .option('-o, --output <file>', 'default: standard output; *.hvtrace.jsonl is known to hv simulate')
    .action(async (_options, command) => {
      const given = options<ExportOptions>(command);
      const since = sinceOf(given.since);
      const session = await openSession(given);
      const { id } = await findCluster(session, given.cluster);
      await write(await open(session, id, since), given.output);
    });
};

function sinceOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (/^\d{4}-/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return new Date(time).toISOString();
    throw new CliError(`--since "${text}" is no time: write it like 2026-01-31T09:30:00Z`, exitCodes.usage);
  }
  return new Date(Date.now() - parseDuration(text) * 1000).toISOString();
}

async function open(session: Session, id: string, since: string | null): Promise<Readable> {
  const query = since === null ? '' : `?${new URLSearchParams({ since }).toString()}`;
  const response = await fetch(`${session.url}/api/v1/clusters/${id}/trace${query}`, {
    headers: { authorization: bearer(session) },
  }).catch((error: unknown) => {
    throw unreachable(session, error);
  });
  if (!response.ok || response.body === null) {
    throw fromProblem((await response.json()) as Parameters<typeof fromProblem>[0]);
  }
  return Readable.fromWeb(response.body);
}

async function write(history: Readable, path: string | undefined): Promise<void> {
  if (path === undefined) return pipeline(history, process.stdout, { end: false });
  await pipeline(history, createWriteStream(path)).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no such folder' : error.message;
    throw new CliError(`could not write ${path}: ${why}`, exitCodes.usage);
  });
}
