import { setTimeout as sleep } from 'node:timers/promises';
import { type Deployment, getDeployment } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { findDeployment } from '../find.ts';
import { parseDuration } from '../format.ts';
import { patiently } from '../patience.ts';
import { call, openSession, type Session } from '../session.ts';
import { lines, linesUntilCut, openStream } from '../stream.ts';
import { ends } from '../until-ended.ts';

const cutPauseMs = 500;

interface LogOptions {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly replica: string;
  readonly attempt?: string;
  readonly run?: string;
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
    .option('--run <number>', 'of this run of the replica; default: the latest')
    .option('-t, --timestamps', 'with the time before each line')
    .action(async (name: string, _options, command) => {
      const given = options<LogOptions>(command);
      const session = await openSession(given);
      const deployment = await findDeployment(session, name);
      for await (const line of readLines(session, deployment, given)) write(line, given);
    });
};

/**
 * The lines; with `--follow` until the attempt has ended. A stream that was cut goes on with the moment of the last line that was
 * shown, without those of that moment that were shown already.
 */
async function* readLines(session: Session, deployment: Deployment, given: LogOptions): AsyncGenerator<string> {
  const query = queryOf(given);
  const open = () => openStream(session, `/deployments/${deployment.id}/logs?${query.toString()}`);
  const look = () => call(session, getDeployment({ client: session.client, path: { id: deployment.id } }));
  let body = await open();
  if (given.follow !== true) return yield* lines(body);
  const attempt = given.attempt ?? String(deployment.attempt);
  let shown = { at: '', count: 0 };
  // Once it is over, one more reading has all that was written meanwhile.
  for (let over = false; ; ) {
    let skip = shown.count;
    for await (const line of linesUntilCut(body)) {
      const { at } = JSON.parse(line) as Line;
      if (skip > 0 && at === shown.at) {
        skip -= 1;
        continue;
      }
      skip = 0;
      shown = at === shown.at ? { at, count: shown.count + 1 } : { at, count: 1 };
      yield line;
    }
    if (over) return;
    const now = await patiently(look);
    over = ends.has(now.status) || String(now.attempt) !== attempt;
    if (!over) await sleep(cutPauseMs);
    if (shown.count > 0) {
      query.set('since', shown.at);
      query.delete('tail');
    }
    query.set('attempt', attempt);
    body = await patiently(open);
  }
}

function queryOf(given: LogOptions): URLSearchParams {
  const query = new URLSearchParams({
    format: 'ndjson',
    replica: given.replica,
    follow: given.follow === true ? 'true' : 'false',
  });
  if (given.tail !== undefined) query.set('tail', given.tail);
  if (given.attempt !== undefined) query.set('attempt', given.attempt);
  if (given.run !== undefined) query.set('run', given.run);
  if (given.since !== undefined)
    query.set('since', new Date(Date.now() - parseDuration(given.since) * 1000).toISOString());
  return query;
}

/** What went to standard error goes there again, so that both can be told apart by the shell too. */
function write(text: string, given: LogOptions & { json?: boolean }): void {
  if (given.json === true) return void process.stdout.write(`${text}\n`);
  const line = JSON.parse(text) as Line;
  const out = line.stream === 'stderr' ? process.stderr : process.stdout;
  out.write(given.timestamps === true ? `${line.at} ${line.text}\n` : `${line.text}\n`);
}
