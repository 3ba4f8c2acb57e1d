import type { Writable } from 'node:stream';
import { drained } from '../../drained.ts';
import { type AddCommand, options, wholeNumber } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findDeployment } from '../find.ts';
import { openSession } from '../session.ts';
import type { Talk } from '../socket.ts';

/** The first byte of each binary frame: which stream the others are of. */
const streams = { stdin: 0, stdout: 1, stderr: 2 } as const;
/** A frame of input holds no more: the service takes at most 1 MiB. */
const pieceBytes = 256 * 1024;

interface ExecOptions {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly replica: number;
}

export const addExec: AddCommand = (program) => {
  program
    .command('exec')
    .description('run a command in a container that runs: hv exec -it NAME -- sh')
    .argument('<deployment>')
    .argument('<command...>', 'after --')
    .option('-i, --interactive', 'with what comes from standard input')
    .option('-t, --tty', 'with a terminal')
    .option('--replica <index>', 'in this replica', wholeNumber, 0)
    .action(async (name: string, words: string[], _options, command) => {
      const given = options<ExecOptions>(command);
      const session = await openSession(given);
      const { id } = await findDeployment(session, name);
      const { openTalk } = await import('../socket.ts');
      const talk = await openTalk(session, `/deployments/${id}/exec?${queryOf(given, words).toString()}`);
      process.exitCode = await converse(talk, given);
    });
};

function queryOf(given: ExecOptions, words: readonly string[]): URLSearchParams {
  const query = new URLSearchParams({ replica: String(given.replica), tty: String(given.tty === true) });
  for (const word of words) query.append('command', word);
  const { columns, rows } = process.stdout;
  if (given.tty === true && columns > 0 && rows > 0) {
    query.set('columns', String(Math.min(columns, 1000)));
    query.set('rows', String(Math.min(rows, 1000)));
  }
  return query;
}

/** Until the command has ended; answers with its exit code. */
async function converse(talk: Talk, given: ExecOptions): Promise<number> {
  const { stdin } = process;
  const isRaw = given.tty === true && given.interactive === true && stdin.isTTY;
  const resize = () => {
    const { columns, rows } = process.stdout;
    void talk.tell({ type: 'resize', columns: Math.min(columns, 1000), rows: Math.min(rows, 1000) });
  };
  if (isRaw) stdin.setRawMode(true);
  if (given.tty === true && process.stdout.isTTY) process.stdout.on('resize', resize);
  const input = given.interactive === true ? sendInput(talk) : talk.tell({ type: 'end' });
  // Its end is no news once the command has ended.
  input.catch(() => undefined);
  try {
    return await output(talk);
  } finally {
    if (isRaw) stdin.setRawMode(false);
    process.stdout.off('resize', resize);
    stdin.destroy();
    talk.close();
  }
}

async function sendInput(talk: Talk): Promise<void> {
  for await (const chunk of process.stdin) {
    const bytes = chunk as Buffer;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      await talk.send(Buffer.concat([Buffer.from([streams.stdin]), bytes.subarray(at, at + pieceBytes)]));
    }
  }
  await talk.tell({ type: 'end' });
}

async function output(talk: Talk): Promise<number> {
  for await (const one of talk.received) {
    if (Buffer.isBuffer(one)) {
      await write(one[0] === streams.stderr ? process.stderr : process.stdout, one.subarray(1));
    } else if (one.type === 'exit') {
      const { code } = one;
      if (typeof code === 'number') return code;
      throw new CliError('the container ended, and the command with it');
    }
  }
  throw new CliError('the service ended the session', exitCodes.unreachable);
}

/** Whoever reads slowly is waited for. */
async function write(to: Writable, bytes: Buffer): Promise<void> {
  if (!to.write(bytes)) await drained(to);
}
