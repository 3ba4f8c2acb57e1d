import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import {
  type Deployment,
  type DeploymentCreate,
  getDeployment,
  submitDeployment,
  submitDeployments,
} from '../../sdk/index.ts';
import { arrayName, countsInWords, exitCodeOfArray, untilArrayEnded } from '../arrays.ts';
import { type AddCommand, options } from '../command.ts';
import { addDataOptions, type DataOptions, dataOf } from '../data-options.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { deploymentsOfFile } from '../files/deployments-of-file.ts';
import { findCluster, findTarget, readArray } from '../find.ts';
import { pairs, parseDuration, shortId } from '../format.ts';
import { addHealthOptions, type HealthOptions, healthCheckOf } from '../health-check.ts';
import { print, say } from '../output.ts';
import { call, type Globals, openSession, type Session } from '../session.ts';
import { untilEnded } from '../until-ended.ts';

interface SubmitOptions extends Globals, HealthOptions, DataOptions {
  readonly file?: string;
  readonly cluster?: string;
  readonly image?: string;
  readonly name?: string;
  readonly ram?: number;
  readonly cpu?: number;
  readonly gpu: number;
  readonly gpuModel: string[];
  readonly gpuMemory: number;
  readonly nodeLabel: string[];
  readonly maxPerNode?: number;
  readonly priority?: number;
  readonly service?: boolean;
  readonly replicas: number;
  readonly env: string[];
  readonly envFile?: string;
  readonly port: string[];
  readonly label: string[];
  readonly timeLimit?: string;
  readonly grace?: string;
  readonly stopSignal?: DeploymentCreate['stop_signal'];
  readonly retries?: number;
  readonly retryOn: string[];
  readonly retryExitCode: string[];
  readonly restart?: 'always' | 'on_failure' | 'never';
  readonly maxRestarts?: number;
  readonly pull: 'always' | 'missing' | 'never';
  readonly wait?: boolean;
  readonly idempotencyKey?: string;
  readonly count?: number;
  readonly arrayParallel?: number;
  readonly dependsOn: string[];
  readonly keepFor?: string;
}

const collect = (value: string, before: string[]) => [...before, value];

export const addSubmit: AddCommand = (program) => {
  const submitting = addDataOptions(program.command('submit'))
    .description('submit a deployment, or all of a file')
    .argument('[command...]', "replaces the image's command; write -- before it")
    .option('-f, --file <path>', 'a YAML file with one deployment a document; "-" for standard input')
    .option('-c, --cluster <name>', 'the cluster; default: that of the context, or the only one')
    .option('-i, --image <image>', 'the Docker image')
    .option('-n, --name <name>', 'a name for people')
    .option('--ram <gb>', 'memory in GB, for each replica', Number)
    .option('--cpu <cores>', 'cores, for each replica', Number)
    .option('--gpu <devices>', 'GPU devices, or a share of one below 1', Number, 0)
    .option('--gpu-model <model>', 'a model that will do (repeatable)', collect, [])
    .option('--gpu-memory <gb>', 'memory in GB that each GPU device has at least', Number, 0)
    .option('--node-label <name=value>', 'a label that its nodes must have (repeatable)', collect, [])
    .option('--max-per-node <count>', 'at most so many of its replicas on one node; 1: each on its own', Number)
    .option('-p, --priority <number>', '1 to 100; a lower number goes first; default 50', Number)
    .option('--service', 'runs until it is stopped')
    .option('--replicas <count>', 'all start together, or none', Number, 1)
    .option('--count <count>', 'makes so many of it, an array: each has its number in HYPERVISOR_ARRAY_INDEX', Number)
    .option('--array-parallel <count>', 'at most so many of the array at once', Number)
    .option(
      '--depends-on <deployment[:condition]>',
      'wait until it has succeeded; or "failed", or "any" end (repeatable)',
      collect,
      [],
    )
    .option('--keep-for <duration>', 'after its end, until it is deleted; default: as its cluster says')
    .option('-e, --env <NAME=value>', 'an environment variable (repeatable)', collect, [])
    .option('--env-file <path>', 'a file of NAME=value lines')
    .option('--port <[host:]container[/udp]>', 'a port to publish (repeatable)', collect, [])
    .option('--label <name=value>', 'a label of the container (repeatable)', collect, [])
    .option('--time-limit <duration>', 'it is stopped then; helps to plan ahead')
    .option('--grace <duration>', 'between the signal and the kill; default 10s')
    .option('--stop-signal <signal>', 'what it is told to stop with, as SIGINT; default: what its image says')
    .option('--retries <count>', 'of a job: how many attempts may follow one that failed', Number)
    .option('--retry-on <reason>', 'a failure that is worth another attempt, as exit_nonzero (repeatable)', collect, [])
    .option('--retry-exit-code <code>', 'an exit code that is worth another attempt (repeatable)', collect, [])
    .addOption(
      new Option('--restart <policy>', 'of a service: when a replica that ended is started again').choices([
        'always',
        'on_failure',
        'never',
      ] as const),
    )
    .option('--max-restarts <count>', 'of a service: how often in a row; default: without end', Number)
    .addOption(
      new Option('--pull <policy>', 'when to pull').choices(['always', 'missing', 'never'] as const).default('missing'),
    )
    .option('--wait', "wait until it has ended, and end with the job's exit code")
    .option('--idempotency-key <key>', 'the same key submits once, however often it is sent')
    .action(async (words: string[], _options, command) => {
      const given = options<SubmitOptions>(command);
      const session = await openSession(given);
      const deployments =
        given.file === undefined
          ? [await fromOptions(session, given, words)]
          : await deploymentsOfFile(session, given.file, given.cluster);
      const submitted = await submit(session, deployments, given.idempotencyKey);
      if (given.wait === true) return follow(session, given, submitted);
      print(given, submitted.length === 1 ? submitted[0] : { deployments: submitted }, () =>
        submitted.map((one) => `${nameAndId(one)} is ${one.status}, with priority ${one.priority}`).join('\n'),
      );
      const [only, ...others] = submitted;
      if (only !== undefined && others.length === 0)
        say(given, `Next: hv describe ${shortId(only.array?.id ?? only.id)}`);
    });
  addHealthOptions(submitting);

  program
    .command('wait')
    .description('wait until a deployment, or all of an array, has ended, and end with its exit code')
    .argument('<deployment>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const target = await findTarget(session, name);
      if (target.kind === 'array') return followArray(session, globals, target.array.id);
      await follow(session, globals, [target.deployment]);
    });
};

/** "train[0-19] (0123456789ab)". */
function nameAndId({ id, name, array }: Deployment): string {
  return array === null
    ? `${name} (${shortId(id)})`
    : `${arrayName({ name, count: array.count })} (${shortId(array.id)})`;
}

async function followArray(session: Session, globals: Globals, id: string): Promise<void> {
  const ended = await untilArrayEnded(
    () => readArray(session, id),
    (message) => say(globals, message),
  );
  print(globals, ended, () => `${arrayName(ended)}: ${countsInWords(ended)}`);
  process.exitCode = exitCodeOfArray(ended);
}

/** All are accepted, or none. A single one goes alone: its errors then name its fields, and no place in a list. */
async function submit(
  session: Session,
  deployments: DeploymentCreate[],
  key: string | undefined,
): Promise<Deployment[]> {
  const headers = key === undefined ? {} : { headers: { 'idempotency-key': key } };
  const [first, ...rest] = deployments;
  if (first !== undefined && rest.length === 0) {
    return [await call(session, submitDeployment({ client: session.client, body: first, ...headers }))];
  }
  const answer = await call(session, submitDeployments({ client: session.client, body: { deployments }, ...headers }));
  return answer.deployments;
}

async function follow(session: Session, globals: Globals, deployments: readonly Deployment[]): Promise<void> {
  const [only, ...others] = deployments;
  if (only?.array != null && others.length === 0 && only.array.index === 0) {
    return followArray(session, globals, only.array.id);
  }
  const ended: Deployment[] = [];
  for (const { id } of deployments) {
    ended.push(
      await untilEnded(
        () => call(session, getDeployment({ client: session.client, path: { id } })),
        (message) => say(globals, message),
      ),
    );
  }
  const [first] = ended;
  print(globals, ended.length === 1 ? first : { deployments: ended }, () =>
    ended.map((one) => `${one.name} ${one.status}: ${one.reason}`).join('\n'),
  );
  const failed = ended.find((one) => one.status !== 'succeeded');
  process.exitCode = failed === undefined ? exitCodes.ok : (failed.exit_code ?? exitCodes.failure) || exitCodes.failure;
}

async function fromOptions(
  session: Session,
  given: SubmitOptions,
  words: readonly string[],
): Promise<DeploymentCreate> {
  const { image, ram, cpu } = given;
  const missing = Object.entries({ image, ram, cpu }).filter(([, value]) => value === undefined);
  if (image === undefined || ram === undefined || cpu === undefined) {
    throw new CliError(
      `what to submit is not said: ${missing.map(([name]) => `--${name}`).join(', ')} missing`,
      exitCodes.usage,
      [
        'For example: hv submit --image busybox --ram 0.1 --cpu 0.5 -- echo hello',
        'Or a file: hv submit -f deployment.yaml',
      ],
    );
  }
  const { id } = await findCluster(session, given.cluster);
  return {
    cluster_id: id,
    docker_image: image,
    ram_required: ram,
    cpu_required: cpu,
    gpu_required: given.gpu,
    gpu_models: given.gpuModel,
    gpu_memory_required: given.gpuMemory,
    node_labels: pairs(given.nodeLabel, '--node-label'),
    kind: given.service === true ? 'service' : 'job',
    replicas: given.replicas,
    env: { ...(await readEnvFile(given.envFile)), ...pairs(given.env, '--env') },
    labels: pairs(given.label, '--label'),
    ports: given.port.map(parsePort),
    pull_policy: given.pull,
    ...healthCheckOf(given),
    ...(await dataOf(given)),
    ...(words.length === 0 ? {} : { command: [...words] }),
    ...(given.maxPerNode === undefined ? {} : { max_per_node: given.maxPerNode }),
    ...(given.count === undefined ? {} : { count: given.count }),
    ...(given.keepFor === undefined ? {} : { keep_for_s: parseDuration(given.keepFor) }),
    ...(given.arrayParallel === undefined ? {} : { array_parallel: given.arrayParallel }),
    ...(given.dependsOn.length === 0 ? {} : { depends_on: given.dependsOn.map(parseDependency) }),
    ...(given.name === undefined ? {} : { name: given.name }),
    ...(given.priority === undefined ? {} : { priority: given.priority }),
    ...(given.timeLimit === undefined ? {} : { time_limit_s: parseDuration(given.timeLimit) }),
    ...(given.grace === undefined ? {} : { stop_grace_s: parseDuration(given.grace) }),
    ...lifeOf(given),
  };
}

/** What becomes of it when its containers end; left to the API where nothing is said. */
function lifeOf(given: SubmitOptions): Pick<DeploymentCreate, 'retry' | 'restart' | 'stop_signal'> {
  const { retries, retryOn, retryExitCode, restart, maxRestarts, stopSignal } = given;
  const retry = {
    ...(retries !== undefined && { limit: retries }),
    // Whether there are such reasons is for the API to say.
    ...(retryOn.length > 0 && { on: retryOn as NonNullable<DeploymentCreate['retry']>['on'] }),
    ...(retryExitCode.length > 0 && { exit_codes: retryExitCode.map(Number) }),
  };
  const again = {
    ...(restart !== undefined && { policy: restart }),
    ...(maxRestarts !== undefined && { max_restarts: maxRestarts }),
  };
  return {
    ...(Object.keys(retry).length > 0 && { retry }),
    ...(Object.keys(again).length > 0 && { restart: again }),
    ...(stopSignal !== undefined && { stop_signal: stopSignal }),
  };
}

async function readEnvFile(path: string | undefined): Promise<Record<string, string>> {
  if (path === undefined) return {};
  const text = await readFile(path, 'utf8').catch(() => {
    throw new CliError(`could not read ${path}`, exitCodes.usage);
  });
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return pairs(lines, `--env-file ${path}:`);
}

/** "build" or "build:any". */
function parseDependency(text: string): NonNullable<DeploymentCreate['depends_on']>[number] {
  const [deployment = '', condition = 'succeeded', ...rest] = text.split(':');
  if (deployment === '' || rest.length > 0 || !isCondition(condition)) {
    throw new CliError(`--depends-on "${text}" must be written NAME, NAME:failed or NAME:any`, exitCodes.usage);
  }
  return { deployment, condition };
}

function isCondition(text: string): text is 'succeeded' | 'failed' | 'any' {
  return text === 'succeeded' || text === 'failed' || text === 'any';
}

export function parsePort(text: string): { container: number; host: number | null; protocol: 'tcp' | 'udp' } {
  const match = /^(?:(\d+):)?(\d+)(?:\/(tcp|udp))?$/.exec(text);
  if (match === null) throw new CliError(`--port "${text}" must be written 80, 8080:80 or 53/udp`, exitCodes.usage);
  const [, host, container, protocol] = match;
  return {
    container: Number(container),
    host: host === undefined ? null : Number(host),
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
  };
}
