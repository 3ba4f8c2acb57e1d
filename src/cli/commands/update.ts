import {
  type Deployment,
  diffRevisions,
  listRevisions,
  type Revision,
  type RevisionDiff,
  rollBackService,
  type ServiceUpdate,
  updateService,
} from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findDeployment } from '../find.ts';
import { age, pairs, resources, shortId } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, type Globals, openSession } from '../session.ts';

interface UpdateOptions extends Globals {
  readonly image?: string;
  readonly env: string[];
  readonly unsetEnv: string[];
  readonly ram?: number;
  readonly cpu?: number;
  readonly gpu?: number;
  readonly replicas?: number;
  readonly ifVersion?: string;
}

const collect = (value: string, before: string[]) => [...before, value];

export const addUpdate: AddCommand = (program) => {
  program
    .command('update')
    .description('bring a service to a new revision, one replica after the other')
    .argument('<service>')
    .argument('[command...]', "replaces the image's command; write -- before it")
    .option('-i, --image <image>', 'the Docker image')
    .option('-e, --env <NAME=value>', 'an environment variable to add or change (repeatable)', collect, [])
    .option('--unset-env <NAME>', 'an environment variable to take away (repeatable)', collect, [])
    .option('--ram <gb>', 'memory in GB, for each replica', Number)
    .option('--cpu <cores>', 'cores, for each replica', Number)
    .option('--gpu <devices>', 'GPU devices, or a share of one below 1', Number)
    .option('--replicas <count>', 'how many there are to be', Number)
    .option('--if-version <version>', 'only if nobody has changed it since this version')
    .action(async (name: string, words: string[], _options, command) => {
      const given = options<UpdateOptions>(command);
      const body = bodyOf(given, words);
      const session = await openSession(given);
      const { id } = await findDeployment(session, name);
      const headers = given.ifVersion === undefined ? {} : { headers: { 'if-match': `"${given.ifVersion}"` } };
      const changed = await call(session, updateService({ client: session.client, path: { id }, body, ...headers }));
      print(given, changed, () => isToBe(changed));
      say(given, `Next: hv describe ${shortId(id)}`);
    });
  addRollback(program);
  addRevisions(program);
};

function bodyOf(given: UpdateOptions, words: readonly string[]): ServiceUpdate {
  const { image, env, unsetEnv, ram, cpu, gpu, replicas } = given;
  const body: ServiceUpdate = {
    ...(image !== undefined && { docker_image: image }),
    ...(words.length > 0 && { command: [...words] }),
    ...(env.length > 0 && { env_set: pairs(env, '--env') }),
    ...(unsetEnv.length > 0 && { env_unset: unsetEnv }),
    ...(ram !== undefined && { ram_required: ram }),
    ...(cpu !== undefined && { cpu_required: cpu }),
    ...(gpu !== undefined && { gpu_required: gpu }),
    ...(replicas !== undefined && { replicas }),
  };
  if (Object.keys(body).length > 0) return body;
  throw new CliError('what to change is not said', exitCodes.usage, [
    'For example: hv update web --image app:2 --env MODE=fast --replicas 3',
  ]);
}

function isToBe({ name, revision, updating }: Deployment): string {
  return updating ? `${name} is on its way to revision ${revision}` : `${name} is revision ${revision}`;
}

const addRollback: AddCommand = (program) => {
  program
    .command('rollback')
    .description('return a service to the revision before, or to another one')
    .argument('<service>')
    .option('--to <revision>', 'which one', Number)
    .action(async (name: string, _options, command) => {
      const given = options<{ to?: number }>(command);
      const session = await openSession(given);
      const { id } = await findDeployment(session, name);
      const body = given.to === undefined ? {} : { revision: given.to };
      const changed = await call(session, rollBackService({ client: session.client, path: { id }, body }));
      print(given, changed, () => isToBe(changed));
    });
};

const addRevisions: AddCommand = (program) => {
  const revisions = program
    .command('revisions')
    .description('what a service was, and is to be')
    .argument('<service>')
    .action(async (name: string, _options, command) => {
      const given = options(command);
      const session = await openSession(given);
      const { id } = await findDeployment(session, name);
      const { items } = await call(session, listRevisions({ client: session.client, path: { id } }));
      print(given, { items }, () => listed(items));
    });
  revisions
    .command('diff')
    .description('what differs between two revisions')
    .argument('<service>')
    .argument('<from>', 'a revision', Number)
    .argument('<to>', 'another one', Number)
    .action(async (name: string, from: number, to: number, _options, command) => {
      const given = options(command);
      const session = await openSession(given);
      const { id } = await findDeployment(session, name);
      const query = { from, to };
      const diff = await call(session, diffRevisions({ client: session.client, path: { id }, query }));
      print(given, diff, () => compared(diff));
    });
};

function listed(items: readonly Revision[]): string {
  return table(
    ['revision', 'image', 'replicas', 'RAM / CPU / GPU', 'made', 'why', ''],
    items.map(({ revision, spec, created_at, why, is_wanted, is_stable }) => [
      revision,
      spec.docker_image,
      spec.replicas,
      resources({ ram: spec.ram_required, cpu: spec.cpu_required, gpu: spec.gpu_required }),
      `${age(created_at)} ago`,
      why,
      [is_wanted ? 'wanted' : '', is_stable ? 'stable' : ''].filter((word) => word !== '').join(', '),
    ]),
  );
}

function shown(value: RevisionDiff['changes'][number]['before']): string {
  if (value === null) return '-';
  return Array.isArray(value) ? value.join(' ') : String(value);
}

function compared({ from, to, changes }: RevisionDiff): string {
  if (changes.length === 0) return `Revisions ${from} and ${to} are the same.`;
  return table(
    ['what', `revision ${from}`, `revision ${to}`],
    changes.map(({ field, before, after }) => [field, shown(before), shown(after)]),
  );
}
