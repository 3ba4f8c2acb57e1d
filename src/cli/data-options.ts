/** Volumes, secrets, files and networks as options of `hv submit`. */
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { DeploymentCreate } from '../sdk/index.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

export interface DataOptions {
  readonly volume: string[];
  readonly secret: string[];
  readonly configFile: string[];
  readonly network?: 'shared' | 'private' | 'none';
}

type Data = Pick<DeploymentCreate, 'volumes' | 'secrets' | 'files' | 'network'>;
type Volume = NonNullable<Data['volumes']>[number];
type Secret = NonNullable<Data['secrets']>[number];
type File = NonNullable<Data['files']>[number];

const collect = (value: string, before: string[]) => [...before, value];

export function addDataOptions(command: Command): Command {
  return command
    .option(
      '--volume <name:/path[:ro]>',
      'a volume, or with a path in front a directory of the machine (repeatable)',
      collect,
      [],
    )
    .option(
      '--secret <name:VARIABLE>',
      'a secret as a variable; with a path behind it as a file (repeatable)',
      collect,
      [],
    )
    .option('--config-file <local:/path[:mode]>', 'a file to put into the container (repeatable)', collect, [])
    .addOption(
      new Option('--network <mode>', 'default: private with several replicas, else shared').choices([
        'shared',
        'private',
        'none',
      ] as const),
    );
}

export async function dataOf(given: DataOptions): Promise<Data> {
  return {
    volumes: given.volume.map(parseVolume),
    secrets: given.secret.map(parseSecret),
    files: await Promise.all(given.configFile.map(readConfigFile)),
    ...(given.network === undefined ? {} : { network: given.network }),
  };
}

export function parseVolume(text: string): Volume {
  const match = /^([^:]+):(\/[^:]*)(?::(ro|rw))?$/.exec(text);
  if (match === null) throw wrong('--volume', text, 'data:/data, data:/data:ro or /srv/data:/data:ro');
  const [, from = '', path = '', access] = match;
  const where = { path, read_only: access === 'ro' };
  return from.startsWith('/') ? { host_path: from, ...where } : { name: from, ...where };
}

export function parseSecret(text: string): Secret {
  const match = /^([^:]+):([^:]+)(?::(\d+))?$/.exec(text);
  if (match === null) throw wrong('--secret', text, 'db:DB_PASSWORD or db:/run/secrets/db');
  const [, name = '', to = '', mode] = match;
  if (!to.startsWith('/')) return { name, env: to };
  return { name, path: to, ...(mode === undefined ? {} : { mode }) };
}

async function readConfigFile(text: string): Promise<File> {
  const match = /^(.+?):(\/[^:]*)(?::(\d+))?$/.exec(text);
  if (match === null) throw wrong('--config-file', text, 'app.yaml:/etc/app.yaml or run.sh:/opt/run.sh:0755');
  const [, local = '', path = '', mode] = match;
  const content = await readFile(local).catch(() => {
    throw new CliError(`could not read ${local}`, exitCodes.usage);
  });
  return { path, content: content.toString('base64'), encoding: 'base64', ...(mode === undefined ? {} : { mode }) };
}

function wrong(option: string, text: string, right: string): CliError {
  return new CliError(`${option} "${text}" must be written ${right}`, exitCodes.usage);
}
