import { readFile } from 'node:fs/promises';
import { buffer as readBytes } from 'node:stream/consumers';
import { password as askHidden, isCancel } from '@clack/prompts';
import {
  changeSecretKey,
  createSecret,
  deleteSecret,
  listSecrets,
  rotateSecret,
  type Secret,
  type SecretUpdate,
} from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { age } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, openSession, type Session } from '../session.ts';

export const addSecrets: AddCommand = (program) => {
  const secret = program.command('secret').description('secrets of the organization in use; values are never shown');

  secret
    .command('set')
    .description('create a secret, or give it a new value; asks for it, or reads standard input')
    .argument('<name>')
    .option('--from-file <path>', 'what the file holds, byte for byte')
    .action(async (name: string, _options, command) => {
      const given = options<{ fromFile?: string }>(command);
      const session = await openSession(given);
      const made = await set(session, name, await readValue(given.fromFile));
      print(given, made, () =>
        made.version === 1
          ? `Made ${made.name}.`
          : `${made.name} has version ${made.version} now; containers that run keep the one before.`,
      );
    });

  secret
    .command('list')
    .description('list their names and versions')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const page = await call(session, listSecrets({ client: session.client, query: { limit: 1000 } }));
      print(globals, page, ({ items }) =>
        table(
          ['name', 'version', 'changed', 'age'],
          items.map((one) => [one.name, one.version, age(one.updated_at), age(one.created_at)]),
        ),
      );
    });

  secret
    .command('delete')
    .description('delete a secret')
    .argument('<name>')
    .option('--force', 'also where deployments refer to it: their next start fails')
    .action(async (name: string, _options, command) => {
      const given = options<{ force?: boolean }>(command);
      const session = await openSession(given);
      const query = { force: given.force === true ? 'true' : 'false' };
      await call(session, deleteSecret({ client: session.client, path: { name }, query }));
      say(given, `Deleted ${name}.`);
    });

  secret
    .command('rotate-key')
    .description('change the key that encrypts the secrets of the whole installation (operator)')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const changed = await call(session, changeSecretKey({ client: session.client }));
      print(globals, changed, ({ values }) => `The key was changed; ${values} values were encrypted with the new one.`);
    });
};

/** The next version of the one that is there, or the first. */
async function set(session: Session, name: string, body: SecretUpdate): Promise<Secret> {
  try {
    return await call(session, rotateSecret({ client: session.client, path: { name }, body }));
  } catch (error) {
    if (!(error instanceof CliError) || error.exitCode !== exitCodes.notFound) throw error;
    return call(session, createSecret({ client: session.client, body: { name, ...body } }));
  }
}

async function readValue(path: string | undefined): Promise<SecretUpdate> {
  if (path !== undefined && path !== '-') {
    const bytes = await readFile(path).catch(() => {
      throw new CliError(`could not read ${path}`, exitCodes.usage);
    });
    return { value: bytes.toString('base64'), encoding: 'base64' };
  }
  if (process.stdin.isTTY) return { value: await ask() };
  const bytes = await readBytes(process.stdin);
  // What `echo` adds is not meant.
  const end = bytes.at(-1) === 0x0a ? bytes.length - (bytes.at(-2) === 0x0d ? 2 : 1) : bytes.length;
  return { value: bytes.subarray(0, end).toString('base64'), encoding: 'base64' };
}

async function ask(): Promise<string> {
  const answer = await askHidden({ message: 'Value (not shown)' });
  if (isCancel(answer)) throw new CliError('given up');
  return answer;
}
