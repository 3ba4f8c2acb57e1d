import { type AddCommand, options } from '../command.ts';
import { fromProblem } from '../errors.ts';
import { findDeployment } from '../find.ts';
import { parseDuration } from '../format.ts';
import { bearer, openSession, type Session, unreachable } from '../session.ts';
import { lines } from '../stream.ts';

interface LogOptions {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly replica: string;
  readonly attempt?: string;
  readonly timestamps?: boolean;
}

interface Line {
  readonly stream: 'stdout' | 'stderr';
  readonly at: string;
  readonly text: string;
}

export const addLogs: AddCommand = (program) => {
  program
    .command('logs')
    .description('what a deployment wrote, while it runs and after')
    .argument('<deployment>')
    .option('-f, --follow', 'stay, until it ends')
    .option('-n, --tail <lines>', 'only the last so many lines')
    .option('--since <duration>', 'only from so long ago on')
    .option('--replica <index>', 'of this replica', '0')
    .option('--attempt <number>', 'of this attempt; default: the latest')
    .option('-t, --timestamps', 'with the time before each line')
    .action(async (name: string, _options, command) => {
      const given = options<LogOptions>(command);
      const session = await openSession(given);
      const { id } = await findDeployment(session, name);
      for await (const line of lines(await open(session, id, given))) write(line, given);
    });
};

async function open(session: Session, id: string, given: LogOptions): Promise<ReadableStream<Uint8Array>> {
  const query = new URLSearchParams({
    format: 'ndjson',
    replica: given.replica,
    follow: given.follow === true ? 'true' : 'false',
  });
  if (given.tail !== undefined) query.set('tail', given.tail);
  if (given.attempt !== undefined) query.set('attempt', given.attempt);
  if (given.since !== undefined)
    query.set('since', new Date(Date.now() - parseDuration(given.since) * 1000).toISOString());
  const response = await fetch(`${session.url}/api/v1/deployments/${id}/logs?${query.toString()}`, {
    headers: { authorization: bearer(session) },
  }).catch((error: unknown) => {
    throw unreachable(session, error);
  });
  if (!response.ok) throw fromProblem((await response.json()) as Parameters<typeof fromProblem>[0]);
  return response.body ?? new ReadableStream({ start: (controller) => controller.close() });
}

/** What went to standard error goes there again, so that both can be told apart by the shell too. */
function write(text: string, given: LogOptions & { json?: boolean }): void {
  if (given.json === true) return void process.stdout.write(`${text}\n`);
  const line = JSON.parse(text) as Line;
  const out = line.stream === 'stderr' ? process.stderr : process.stdout;
  out.write(given.timestamps === true ? `${line.at} ${line.text}\n` : `${line.text}\n`);
}
