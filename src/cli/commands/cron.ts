import { Option } from 'commander';
import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listScheduleRuns,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  runSchedule,
  type Schedule,
  type ScheduleRun,
} from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findCluster } from '../find.ts';
import { shortId } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, openSession, type Session } from '../session.ts';

interface CreateOptions {
  readonly file: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly overlap: 'allow' | 'forbid' | 'replace';
  readonly missed: 'skip' | 'run_once' | 'run_all';
  readonly missedMax?: number;
  readonly paused?: boolean;
  readonly cluster?: string;
}

export const addCron: AddCommand = (program) => {
  const cron = program.command('cron').description('schedules: what is submitted again and again');

  cron
    .command('create')
    .description('make a schedule of a deployment file')
    .argument('<name>')
    .requiredOption(
      '--cron <expression>',
      'minute, hour, day, month, weekday, as in "30 2 * * 1-5"; or @daily and the like',
    )
    .requiredOption('-f, --file <path>', 'the YAML file of one deployment; "-" for standard input')
    .option('--time-zone <name>', 'of the IANA database, like Europe/Berlin', 'UTC')
    .addOption(
      new Option('--overlap <policy>', 'when it is due and what it submitted before is not over')
        .choices(['allow', 'forbid', 'replace'] as const)
        .default('allow'),
    )
    .addOption(
      new Option('--missed <policy>', 'when its time came and the service did not run')
        .choices(['skip', 'run_once', 'run_all'] as const)
        .default('run_once'),
    )
    .option('--missed-max <count>', 'with run_all, so many at most', Number)
    .option('--paused', 'submit nothing until it is resumed')
    .option('-c, --cluster <name>', 'the cluster, where the file names none')
    .action(async (name: string, _options, command) => {
      const given = options<CreateOptions>(command);
      const session = await openSession(given);
      const body = {
        name,
        cron: given.cron,
        time_zone: given.timeZone,
        overlap: given.overlap,
        missed: given.missed,
        ...(given.missedMax === undefined ? {} : { missed_max: given.missedMax }),
        paused: given.paused === true,
        deployment: await oneDeployment(session, given),
      };
      const made = await call(session, createSchedule({ client: session.client, body }));
      print(given, made, () => described(made, []));
    });

  cron
    .command('list')
    .description('list the schedules')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const items = await schedulesOf(session);
      print(globals, { items }, () => (items.length === 0 ? 'There is no schedule yet.' : scheduleTable(items)));
    });

  cron
    .command('describe')
    .description('a schedule: its next times, and what came of the last ones')
    .argument('<name>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await findSchedule(session, name);
      const schedule = await call(session, getSchedule({ client: session.client, path: { id } }));
      const runs = await call(
        session,
        listScheduleRuns({ client: session.client, path: { id }, query: { limit: 20 } }),
      );
      print(globals, { ...schedule, runs: runs.items }, () => described(schedule, runs.items));
    });

  for (const [verb, description, request, done] of [
    ['pause', 'submit nothing more until it is resumed', pauseSchedule, 'is paused'],
    ['resume', 'go on; what was due meanwhile is not made up for', resumeSchedule, 'goes on'],
  ] as const) {
    cron
      .command(verb)
      .description(description)
      .argument('<name>')
      .action(async (name: string, _options, command) => {
        const globals = options(command);
        const session = await openSession(globals);
        const { id } = await findSchedule(session, name);
        const changed = await call(session, request({ client: session.client, path: { id } }));
        print(globals, changed, () => `${changed.name} ${done}${nextText(changed)}`);
      });
  }

  cron
    .command('run')
    .description('submit it now, also while it is paused')
    .argument('<name>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await findSchedule(session, name);
      const run = await call(session, runSchedule({ client: session.client, path: { id } }));
      print(globals, run, () => run.message);
      if (run.deployment_id !== null) say(globals, `Next: hv describe ${shortId(run.deployment_id)}`);
    });

  cron
    .command('delete')
    .description('delete a schedule; what it has submitted stays')
    .argument('<name>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await findSchedule(session, name);
      await call(session, deleteSchedule({ client: session.client, path: { id } }));
      say(globals, `Deleted ${name}.`);
    });
};

async function oneDeployment(session: Session, { file, cluster: fallback }: CreateOptions) {
  // Here, and not above: every command would have to load what checks files.
  const { loadDeployments } = await import('../files/load-deployments.ts');
  const [first, ...others] = await loadDeployments(file);
  if (first === undefined || others.length > 0) {
    throw new CliError(`${file} must hold one deployment, and holds ${1 + others.length}`, exitCodes.invalid);
  }
  const { cluster = fallback, ...deployment } = first;
  return { ...deployment, cluster_id: (await findCluster(session, cluster)).id };
}

async function schedulesOf(session: Session): Promise<Schedule[]> {
  const page = await call(session, listSchedules({ client: session.client, query: { limit: 1000 } }));
  return page.items;
}

/** By name, id, or the end of an id. */
async function findSchedule(session: Session, wanted: string): Promise<Schedule> {
  const items = await schedulesOf(session);
  const found =
    items.find((one) => one.name.toLowerCase() === wanted.toLowerCase() || one.id === wanted) ??
    items.find((one) => wanted.length >= 6 && one.id.endsWith(wanted));
  if (found !== undefined) return found;
  throw new CliError(`there is no schedule "${wanted}"`, exitCodes.notFound, ['See them with: hv cron list']);
}

function scheduleTable(items: readonly Schedule[]): string {
  return table(
    ['id', 'name', 'cron', 'time zone', 'overlap', 'missed', 'next'],
    items.map((one) => [
      shortId(one.id),
      one.name,
      one.cron,
      one.time_zone,
      one.overlap,
      one.missed,
      one.paused ? 'paused' : (one.next_runs[0] ?? 'never'),
    ]),
  );
}

function nextText({ next_runs: [next] }: Schedule): string {
  return next === undefined ? '' : `; next at ${next}`;
}

function described(one: Schedule, runs: readonly ScheduleRun[]): string {
  const facts = [
    ['id', one.id],
    ['cron', `${one.cron} (${one.time_zone})`],
    ['overlap', one.overlap],
    ['missed', one.missed === 'run_all' ? `run_all, at most ${one.missed_max}` : one.missed],
    ['next', one.paused ? 'paused' : one.next_runs.join(', ') || 'never'],
  ];
  const lines = facts.map(([name = '', value]) => `${name.padEnd(11)}${value}`);
  const came = runs.map((run) => [run.due_at, run.cause, run.outcome, run.message]);
  const past = runs.length === 0 ? [] : ['', table(['due', 'by', 'what', ''], came)];
  return [`${one.name} (schedule)`, ...lines, ...past].join('\n');
}
