/** Deployments that are declared in files: what would happen, making it so, and what differs. */
import { confirm, isCancel } from '@clack/prompts';
import type { Command } from 'commander';
import {
  type ApplyResult,
  applyDeployments,
  type DeploymentApply,
  type DiffResult,
  diffDeployments,
  type PlanResult,
  planDeployments,
} from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { deploymentsOfFile } from '../files/deployments-of-file.ts';
import { shortId } from '../format.ts';
import { print, say } from '../output.ts';
import { call, type Globals, openSession, type Session } from '../session.ts';
import { changeLines, diffText, planText } from './apply-text.ts';

interface ApplyOptions extends Globals {
  readonly file: string;
  readonly cluster?: string;
  readonly fileSet?: string;
  readonly replace?: boolean;
  readonly rerun?: boolean;
  readonly prune?: boolean;
  readonly yes?: boolean;
  readonly submit?: boolean;
}

function withFile(command: Command): Command {
  return command
    .requiredOption('-f, --file <path>', 'a YAML file with one deployment a document; "-" for standard input')
    .option(
      '-c, --cluster <name>',
      'the cluster of those that name none; default: that of the context, or the only one',
    )
    .option('--file-set <name>', 'what this file belongs to: a name is declared in one set; default: default')
    .option('--replace', "stop what is active and can't be updated, and queue what is declared")
    .option('--rerun', 'run finished jobs again, also where nothing has changed')
    .option('--prune', 'withdraw or stop what the set declared before and does not any more; needs --file-set');
}

export const addPlan: AddCommand = (program) => {
  withFile(program.command('plan'))
    .description('what would happen if a file were applied now: who starts where, who waits and why')
    .option('--submit', 'if it were submitted, beside whatever is there')
    .action(async (_options, command) => {
      const given = options<ApplyOptions>(command);
      const session = await openSession(given);
      const body = { ...(await bodyOf(session, given)), as: given.submit === true ? 'submit' : 'apply' } as const;
      const result = await call(session, planDeployments({ client: session.client, body }));
      print(given, result, planText);
      process.exitCode = exitCodeOfPlan(result);
    });
};

function exitCodeOfPlan({ deployments }: PlanResult): number {
  if (deployments.some(({ errors }) => errors.length > 0)) return exitCodes.invalid;
  return deployments.some(({ action }) => action === 'conflict') ? exitCodes.conflict : exitCodes.ok;
}

export const addApply: AddCommand = (program) => {
  withFile(program.command('apply'))
    .description('make what is there what a file declares, by name; again, it changes nothing')
    .option('-y, --yes', 'stop and withdraw without asking')
    .action(async (_options, command) => {
      const given = options<ApplyOptions>(command);
      const session = await openSession(given);
      const body = await bodyOf(session, given);
      if (body.prune === true || body.replace === true) await confirmStops(session, given, body);
      const result = await call(session, applyDeployments({ client: session.client, body }));
      print(given, result, appliedText);
      const changed = result.deployments.filter((one) => one.result !== 'unchanged' && one.result !== 'pruned');
      if (changed.length === 1) say(given, `Next: hv describe ${changed[0]?.name}`);
    });
};

export const addDiff: AddCommand = (program) => {
  withFile(program.command('diff'))
    .description('what differs between a file and what is there; ends with 1 where something does')
    .action(async (_options, command) => {
      const given = options<ApplyOptions>(command);
      const result = await diffOf(given);
      print(given, result, diffText);
      process.exitCode = result.differs ? exitCodes.failure : exitCodes.ok;
    });
};

/** 1 means that something differs: what went wrong is never 1. */
async function diffOf(given: ApplyOptions): Promise<DiffResult> {
  try {
    const session = await openSession(given);
    const body = await bodyOf(session, given);
    return await call(session, diffDeployments({ client: session.client, body }));
  } catch (error) {
    if (error instanceof CliError && error.exitCode !== exitCodes.failure) throw error;
    const { message, hints, problem } = error instanceof CliError ? error : new CliError(String(error));
    throw new CliError(message, exitCodes.usage, hints, problem);
  }
}

async function bodyOf(session: Session, given: ApplyOptions): Promise<DeploymentApply> {
  if (given.prune === true && given.fileSet === undefined) {
    throw new CliError(
      '--prune needs --file-set: it takes away what that set has and the file has not',
      exitCodes.usage,
    );
  }
  return {
    deployments: await deploymentsOfFile(session, given.file, given.cluster),
    replace: given.replace === true,
    rerun: given.rerun === true,
    prune: given.prune === true,
    ...(given.fileSet === undefined ? {} : { file_set: given.fileSet }),
  };
}

const active = new Set(['starting', 'running', 'stopping']);

/** Asks before something that is queued or active is taken away. */
async function confirmStops(session: Session, given: ApplyOptions, body: DeploymentApply): Promise<void> {
  if (given.yes === true) return;
  const { deployments } = await call(session, diffDeployments({ client: session.client, body }));
  const ending = deployments.filter(
    ({ action, status }) => action === 'prune' || (action === 'replace' && status !== null && active.has(status)),
  );
  if (ending.length === 0) return;
  const names = ending.map(({ name, status }) => `${name} (${status})`).join(', ');
  if (!process.stdin.isTTY || given.json === true) {
    throw new CliError(`this would end ${names}`, exitCodes.usage, ['If that is meant, say so with --yes']);
  }
  const answer = await confirm({ message: `This ends ${names}. Go on?`, initialValue: false });
  if (isCancel(answer) || !answer) throw new CliError('given up: nothing was changed');
}

function appliedText({ deployments }: ApplyResult): string {
  return deployments
    .map(({ name, result, changes, deployment }) => {
      const state = `${name} (${shortId(deployment.id)}) ${result}: it is ${deployment.status}`;
      const shown = result === 'updated' || result === 'replaced' ? changes : [];
      return [state, ...changeLines(shown)].join('\n');
    })
    .join('\n');
}
