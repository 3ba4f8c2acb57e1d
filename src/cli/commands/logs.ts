import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
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
  readonly replica?: string;
  readonly stream?: string;
  readonly attempt?: string;
  readonly run?: string;
  readonly timestamps?: boolean;
}

interface Line {
  readonly replica: number;
  readonly attempt: number;
  readonly stream: 'stdout' | 'stderr';
  readonly at: string;
  readonly text: string;
  /** Instead of a line: what is missing there, in words. */
  readonly notice?: string;
}

export const addLogs: AddCommand = (program) => {
  program
    .command('logs')
    .description('what a deployment wrote, while it runs and after')
    .argument('<deployment>')
    .option('-f, --follow', 'stay, until it ends')
    .option('-n, --tail <lines>', 'only the last so many lines of each replica')
    .option('--since <duration>', 'only from so long ago on')
    .option('--replica <index>', 'of this replica, or "all"; default: all there are')
    .option('--stream <name>', 'only what was written to "stdout", or to "stderr"')
    .option('--attempt <number>', 'of this attempt; default: the latest')
    .option('--run <number>', 'of this run of the replica; default: the latest')
    .option('-t, --timestamps', 'with the time before each line')
    .action(async (name: string, _options, command) => {
      const given = options<LogOptions>(command);
      const session = await openSession(given);
      const deployment = await findDeployment(session, name);
      const write = writerOf(deployment, given);
      for await (const line of readLines(session, deployment, given)) write(line);
    });
};

/** How far the lines of one replica have been shown: to this moment, and so many of it. */
interface Shown {
  readonly at: string;
  readonly count: number;
}

/**
 * The lines; with `--follow` until the attempt has ended. A stream that was cut goes on with the moment of the last line that was
 * shown of each replica, without those of that moment that were shown already.
 */
async function* readLines(session: Session, deployment: Deployment, given: LogOptions): AsyncGenerator<string> {
  const query = queryOf(given, deployment);
  const open = () => openStream(session, `/deployments/${deployment.id}/logs?${query.toString()}`);
  const look = () => call(session, getDeployment({ client: session.client, path: { id: deployment.id } }));
  let body = await open();
  if (given.follow !== true) return yield* lines(body);
  const attempt = given.attempt ?? String(deployment.attempt);
  const shown = new Map<number, Shown>();
  // Once it is over, one more reading has all that was written meanwhile.
  for (let over = false; ; ) {
    const before = new Map(shown);
    const again = new Map<number, number>();
    for await (const text of linesUntilCut(body)) {
      const { replica, at, notice } = JSON.parse(text) as Line;
      if (notice !== undefined && before.size > 0) continue;
      if (wasShown(before.get(replica), at, again.get(replica) ?? 0)) {
        if (at === before.get(replica)?.at) again.set(replica, (again.get(replica) ?? 0) + 1);
        continue;
      }
      const last = shown.get(replica);
      shown.set(replica, { at, count: last?.at === at ? last.count + 1 : 1 });
      yield text;
    }
    if (over) return;
    const now = await patiently(look);
    over = ends.has(now.status) || String(now.attempt) !== attempt;
    if (!over) await sleep(cutPauseMs);
    goOnFrom(query, shown, query.get('replica') === 'all' ? deployment.replicas : 1);
    query.set('attempt', attempt);
    body = await patiently(open);
  }
}

/** Whether a line of this moment was shown before the cut; `again`: how many of that moment have come once more by now. */
function wasShown(before: Shown | undefined, at: string, again: number): boolean {
  if (before === undefined || at > before.at) return false;
  return at < before.at || again < before.count;
}

/** From the earliest of the last lines on; where one replica has shown nothing yet, from where it began. */
function goOnFrom(query: URLSearchParams, shown: ReadonlyMap<number, Shown>, replicas: number): void {
  if (shown.size < replicas && (shown.size === 0 || !query.has('tail'))) return;
  const [earliest] = [...shown.values()].map(({ at }) => at).toSorted();
  if (earliest === undefined) return;
  query.set('since', earliest);
  query.delete('tail');
}

function queryOf(given: LogOptions, { replicas }: Deployment): URLSearchParams {
  const query = new URLSearchParams({
    format: 'ndjson',
    replica: given.replica ?? (replicas > 1 ? 'all' : '0'),
    follow: given.follow === true ? 'true' : 'false',
  });
  if (given.stream !== undefined) query.set('stream', given.stream);
  if (given.tail !== undefined) query.set('tail', given.tail);
  if (given.attempt !== undefined) query.set('attempt', given.attempt);
  if (given.run !== undefined) query.set('run', given.run);
  if (given.since !== undefined)
    query.set('since', new Date(Date.now() - parseDuration(given.since) * 1000).toISOString());
  return query;
}

const colors = [pc.cyan, pc.yellow, pc.green, pc.magenta, pc.blue] as const;

/**
 * What went to standard error goes there again, so that both can be told apart by the shell too. Of several replicas, each line
 * begins with whose it is.
 */
function writerOf(deployment: Deployment, given: LogOptions & { json?: boolean }): (text: string) => void {
  if (given.json === true) return (text) => void process.stdout.write(`${text}\n`);
  const isOne = given.replica === undefined ? deployment.replicas === 1 : given.replica !== 'all';
  const width = `${deployment.name}.${deployment.replicas - 1}`.length;
  const prefix = (replica: number) => {
    const color = colors[replica % colors.length] ?? pc.cyan;
    return isOne ? '' : `${color(`${deployment.name}.${replica}`.padEnd(width))} | `;
  };
  return (line) => {
    const { replica, stream, at, text, notice } = JSON.parse(line) as Line;
    const time = given.timestamps === true ? `${at} ` : '';
    const out = notice === undefined && stream === 'stdout' ? process.stdout : process.stderr;
    out.write(`${prefix(replica)}${time}${notice === undefined ? text : pc.dim(`[${notice}]`)}\n`);
  };
}
