import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  createEngine,
  deleteEngine,
  type Engine,
  type EngineCreate,
  listEngines,
  updateEngine,
} from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { age, labels } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, openSession, type Session } from '../session.ts';

export interface CredentialOptions {
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly sshKey?: string;
  readonly sshHostKey?: string;
}

export function withCredentials(command: Command): Command {
  return command
    .option('--tls-ca <file>', 'tcp://: who signed the certificate of the engine (ca.pem)')
    .option('--tls-cert <file>', 'tcp://: the certificate to show (cert.pem)')
    .option('--tls-key <file>', 'tcp://: its private key (key.pem)')
    .option('--ssh-key <file>', 'ssh://: a private key without a passphrase')
    .option('--ssh-host-key <file or key>', 'ssh://: the public key of the host, as ssh-keyscan shows it');
}

type Credentials = Pick<EngineCreate, 'tls' | 'ssh'>;

/** Reads the files that were named. */
async function credentialsOf(given: CredentialOptions): Promise<Credentials> {
  const { tlsCa, tlsCert, tlsKey, sshKey, sshHostKey } = given;
  const tls = together({ '--tls-ca': tlsCa, '--tls-cert': tlsCert, '--tls-key': tlsKey });
  const ssh = together({ '--ssh-key': sshKey, '--ssh-host-key': sshHostKey });
  return {
    ...(tls && { tls: { ca: await read(tlsCa), cert: await read(tlsCert), key: await read(tlsKey) } }),
    ...(ssh && { ssh: { key: await read(sshKey), host_key: await hostKey(sshHostKey) } }),
  };
}

/** All of them, or none. */
function together(given: Readonly<Record<string, string | undefined>>): boolean {
  const missing = Object.keys(given).filter((name) => given[name] === undefined);
  if (missing.length === 0 || missing.length === Object.keys(given).length) return missing.length === 0;
  throw new CliError(`${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`, exitCodes.usage, [
    `They go together: ${Object.keys(given).join(', ')}`,
  ]);
}

async function read(path = ''): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${(error as Error).message}`, exitCodes.usage);
  }
}

/** The key itself, or a file with it. */
function hostKey(given = ''): Promise<string> {
  return /\b(ssh-|ecdsa-)/.test(given) ? Promise.resolve(given) : read(given);
}

async function allEngines(session: Session): Promise<Engine[]> {
  const page = await call(session, listEngines({ client: session.client, query: { limit: 1000 } }));
  return page.items;
}

async function findEngine(session: Session, name: string): Promise<Engine> {
  const engines = await allEngines(session);
  const engine = engines.find((one) => one.name === name || one.id === name);
  if (engine !== undefined) return engine;
  throw new CliError(`there is no engine "${name}"`, exitCodes.notFound, [
    engines.length === 0 ? 'There are none.' : `There are: ${engines.map((one) => one.name).join(', ')}`,
  ]);
}

const isAddress = (text: string) => text.includes('://');
/** As the server writes addresses: with their port. */
const sameAddress = (a: string, b: string) => a === b || a.startsWith(`${b}:`);

/** The name of the engine for a node: an address that is new is added first, under the name of the node. */
export async function engineFor(
  session: Session,
  node: string,
  wanted: string,
  given: CredentialOptions,
): Promise<string> {
  const credentials = await credentialsOf(given);
  if (!isAddress(wanted)) return (await findEngine(session, wanted)).name;
  const known = (await allEngines(session)).find((one) => sameAddress(one.address, wanted));
  if (known !== undefined) return known.name;
  const body = { name: node, address: wanted, ...credentials };
  return (await call(session, createEngine({ client: session.client, body }))).name;
}

function standing({ reachable }: Engine): string {
  if (reachable === null) return 'not looked at yet';
  return reachable ? 'answers' : 'does not answer';
}

export const addEngines: AddCommand = (program) => {
  const engine = program.command('engine').alias('engines').description('Docker Engines on other machines');

  withCredentials(engine.command('add'))
    .description('add an engine; nodes are then placed on it with: hv node add NAME --engine ENGINE')
    .argument('<name>')
    .argument('<address>', 'tcp://host:port or ssh://user@host')
    .option(
      '--swarm',
      'it is a manager of a swarm, which becomes a cluster with: hv cluster create NAME --runtime swarm',
    )
    .option(
      '--node-address <template>',
      'where the engines of its nodes are, as tcp://{addr}:2376 or ssh://ops@{hostname}',
    )
    .action(async (name: string, address: string, _options, command) => {
      const given = options<CredentialOptions & { swarm?: boolean; nodeAddress?: string }>(command);
      const session = await openSession(given);
      const body = {
        name,
        address,
        kind: given.swarm === true ? ('swarm' as const) : ('docker' as const),
        ...(given.nodeAddress !== undefined && { node_address: given.nodeAddress }),
        ...(await credentialsOf(given)),
      };
      const made = await call(session, createEngine({ client: session.client, body }));
      print(given, made, () => {
        const has = `${made.ram} GB, ${made.cpu} cores`;
        if (made.kind !== 'swarm') return `Added ${made.name}: ${has}; ${labels(made.labels)}.`;
        return `Added ${made.name}: ${has} in all. Next: hv cluster create NAME --runtime swarm --engine ${made.name}`;
      });
    });

  engine
    .command('list')
    .description('list them')
    .action(async (_options, command) => {
      const given = options(command);
      const items = await allEngines(await openSession(given));
      print(given, { items }, () =>
        table(
          ['engine', 'kind', 'address', 'state', 'since', 'RAM', 'CPU', 'nodes', 'message'],
          items.map((one) => [
            one.name,
            one.kind === 'swarm_node' ? `node of ${one.swarm?.name}` : one.kind,
            one.address,
            standing(one),
            age(one.since),
            one.ram ?? '-',
            one.cpu ?? '-',
            one.nodes,
            one.message ?? '-',
          ]),
        ),
      );
    });

  withCredentials(engine.command('set-credentials'))
    .description('replace its certificates or keys')
    .argument('<name>')
    .action(async (name: string, _options, command) => {
      const given = options<CredentialOptions>(command);
      const session = await openSession(given);
      const { id } = await findEngine(session, name);
      const body = await credentialsOf(given);
      const changed = await call(session, updateEngine({ client: session.client, path: { id }, body }));
      print(given, changed, () => `${changed.name} is reached with them now.`);
    });

  engine
    .command('delete')
    .description('forget an engine that no node is on')
    .argument('<name>')
    .action(async (name: string, _options, command) => {
      const given = options(command);
      const session = await openSession(given);
      const { id } = await findEngine(session, name);
      await call(session, deleteEngine({ client: session.client, path: { id } }));
      say(given, `Deleted ${name}.`);
    });
};
