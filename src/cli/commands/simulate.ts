import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { PriorityMark } from '../../simulate/adjust.ts';
import type { Job, JobResult } from '../../simulate/job.ts';
import type { TraceFormat } from '../../simulate/trace.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { pairs, parseDuration } from '../format.ts';
import { say } from '../output.ts';
import type { Globals } from '../session.ts';

interface SimulateOptions extends Globals {
  readonly format?: TraceFormat;
  readonly nodes?: string;
  readonly processors?: number;
  readonly policy?: string;
  readonly compare?: string[];
  readonly check?: string;
  readonly report?: string;
  readonly load: number;
  readonly limit?: number;
  readonly until?: string;
  readonly runTime?: string;
  readonly priorityFrom?: PriorityMark;
  readonly priority: string[];
  readonly seed: number;
}

const collect = (value: string, before: string[]) => [...before, value];

export const addSimulate: AddCommand = (program) => {
  program
    .command('simulate')
    .description('replay a trace through the scheduler, and report what a policy makes of it')
    .argument('<trace>', 'a history (hv export), a log in SWF, or a pod list of openb')
    .addOption(
      new Option('--format <format>', 'what the trace is, where it is not seen').choices(['hvtrace', 'swf', 'openb']),
    )
    .option('--nodes <file>', 'the list of nodes that belongs to a pod list')
    .option('--processors <count>', "how many the machine of an SWF log has, where it doesn't say", wholeNumber)
    .option('--policy <file>', 'a policy in YAML; default: that of a new cluster')
    .option('--compare <file...>', 'policies to put side by side')
    .option('--check <file>', 'expectations in YAML; ends with 1 where one fails')
    .option('--report <file.html>', 'also write a page with plots')
    .option('--load <factor>', 'submit so many times as fast', positiveNumber, 1)
    .option('--limit <count>', 'only the first so many deployments', wholeNumber)
    .option('--until <duration>', 'only so long from the first submission')
    .option('--run-time <duration>', 'how long those run of which the trace does not say it; default: drawn')
    .addOption(
      new Option('--priority-from <field>', 'derive priorities').choices(['queue', 'qos', 'user', 'group'] as const),
    )
    .option('--priority <value=number>', 'the priority of a value of --priority-from (repeatable)', collect, [])
    .option('--seed <number>', 'of what is drawn', wholeNumber, 1)
    .addHelpText('after', examples)
    .action(async (trace: string, _options: unknown, command: Command) => {
      await run(trace, options<SimulateOptions>(command));
    });
};

const examples = `
For example:
  hv simulate log.swf.gz --report report.html
  hv simulate log.swf.gz --compare patient.yaml eager.yaml
  hv simulate history.hvtrace.jsonl --policy new.yaml --check promises.yaml
  hv simulate pods.csv --nodes nodes.csv --priority-from qos`;

async function run(trace: string, given: SimulateOptions): Promise<void> {
  // Loaded here and not above: every other command starts without the simulator.
  const [{ runJob }, { InputError, UnreadableFile }, { Progress }] = await Promise.all([
    import('../../simulate/job.ts'),
    import('../../simulate/input-error.ts'),
    import('../../simulate/progress.ts'),
  ]);
  const job = jobOf(trace, given);
  const progress = new Progress({ write: (text) => process.stderr.write(text), now: () => performance.now() });
  const isWatched = process.stderr.isTTY && given.quiet !== true;
  try {
    const result = await runJob(job, (what, done, of) => {
      if (isWatched) progress.show(what, done, of);
    });
    progress.clear();
    await show(result, given);
  } catch (error) {
    progress.clear();
    if (!(error instanceof InputError)) throw error;
    const code = error instanceof UnreadableFile ? exitCodes.usage : exitCodes.invalid;
    throw new CliError(error.message, code, error.details);
  }
}

function jobOf(trace: string, given: SimulateOptions): Job {
  return {
    trace,
    format: given.format ?? null,
    nodes: given.nodes ?? null,
    processors: given.processors ?? null,
    policies: policiesOf(given),
    check: given.check ?? null,
    load: given.load,
    limit: given.limit ?? null,
    until: milliseconds(given.until),
    runTime: milliseconds(given.runTime),
    priorities: prioritiesOf(given),
    seed: given.seed,
  };
}

/** A single policy to compare is compared with the default one. */
function policiesOf({ policy, compare = [] }: SimulateOptions): readonly (string | null)[] {
  if (policy === undefined) return compare.length < 2 ? [null, ...compare] : compare;
  return [policy, ...compare];
}

function prioritiesOf({ priorityFrom: from, priority }: SimulateOptions): Job['priorities'] {
  if (from === undefined) {
    if (priority.length === 0) return null;
    throw new CliError('--priority says nothing without --priority-from', exitCodes.usage);
  }
  const mapping = Object.entries(pairs(priority, '--priority')).map(([value, text]) => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < 1 || number > 100) {
      throw new CliError(`--priority ${value}=${text} must give a whole number from 1 to 100`, exitCodes.usage);
    }
    return [value, number] as const;
  });
  return { from, mapping: Object.fromEntries(mapping) };
}

/** The report on standard output, the page into its file; the exit code says whether what was expected came true. */
async function show({ report, verdicts }: JobResult, given: SimulateOptions): Promise<void> {
  if (given.json === true) {
    console.log(JSON.stringify(given.check === undefined ? report : { ...report, checks: verdicts }, null, 2));
  } else {
    const [{ reportText }, { checkText }] = await Promise.all([
      import('../../simulate/text/report-text.ts'),
      import('../../simulate/text/check-text.ts'),
    ]);
    if (given.quiet !== true) console.log(reportText(report));
    if (given.check !== undefined) console.log(`${given.quiet === true ? '' : '\n'}${checkText(verdicts)}`);
  }
  if (given.report !== undefined) {
    const { pageOf } = await import('../../simulate/html/page.ts');
    await writeReport(given.report, await pageOf(report, verdicts));
    say(given, `\nThe page with plots is ${given.report}`);
  }
  if (verdicts.some(({ passed }) => !passed)) process.exitCode = exitCodes.failure;
}

async function writeReport(path: string, page: string): Promise<void> {
  await writeFile(path, page).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no such folder' : error.message;
    throw new CliError(`could not write ${path}: ${why}`, exitCodes.usage);
  });
}

function milliseconds(text: string | undefined): number | null {
  return text === undefined ? null : parseDuration(text) * 1000;
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  }
  return number;
}

function positiveNumber(text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}
