import { Option } from 'commander';
import { createVolume, deleteVolume, listVolumes, type Volume } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findCluster } from '../find.ts';
import { age, bytes } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, openSession, type Session } from '../session.ts';

interface ClusterOption {
  readonly cluster?: string;
}

interface CreateOptions extends ClusterOption {
  readonly engine?: string;
  readonly ownEngine?: boolean;
}

export const addVolumes: AddCommand = (program) => {
  const volume = program
    .command('volume')
    .alias('volumes')
    .description('volumes: data that outlives the deployments that use it');

  volume
    .command('create')
    .description('make a volume in a cluster')
    .argument('<name>')
    .option('-c, --cluster <name>', 'the cluster; default: that of the context, or the only one')
    .option('--engine <name>', 'the engine that is to have its data; default: the only one that the cluster is on')
    .addOption(new Option('--own-engine', 'the installation’s own engine is to have its data').conflicts('engine'))
    .action(async (name: string, _options, command) => {
      const given = options<CreateOptions>(command);
      const session = await openSession(given);
      const cluster = await findCluster(session, given.cluster);
      const body = { cluster_id: cluster.id, name, ...engineOf(given) };
      const made = await call(session, createVolume({ client: session.client, body }));
      const where = made.engine === null ? '' : `, on the engine ${made.engine.name}`;
      print(
        given,
        made,
        () => `Made ${made.name} in ${cluster.name}${where}. Next: hv submit --volume ${made.name}:/data …`,
      );
    });

  volume
    .command('list')
    .description('list them, with their sizes and who uses them')
    .option('-c, --cluster <name>', 'only those of this cluster')
    .action(async (_options, command) => {
      const given = options<ClusterOption>(command);
      const session = await openSession(given);
      const page = await call(session, listVolumes({ client: session.client, query: await queryOf(session, given) }));
      print(given, page, ({ items }) =>
        table(
          ['name', 'status', 'size', 'engine', 'used by', 'id', 'age'],
          items.map((one) => [
            one.name,
            one.status,
            one.size_bytes === null ? null : bytes(one.size_bytes),
            one.engine?.name ?? null,
            one.used_by.map(({ name }) => name).join(', ') || null,
            one.id,
            age(one.created_at),
          ]),
        ),
      );
    });

  volume
    .command('delete')
    .description('delete a volume, with all that it holds')
    .argument('<name>', 'its name or id')
    .option('-c, --cluster <name>', 'the cluster that it is in')
    .action(async (name: string, _options, command) => {
      const given = options<ClusterOption>(command);
      const session = await openSession(given);
      const found = await findVolume(session, name, given);
      const answer = await call(session, deleteVolume({ client: session.client, path: { id: found.id } }));
      say(
        given,
        answer === undefined || !('id' in Object(answer))
          ? `Deleted ${found.name}.`
          : `${found.name} is deleted as soon as its engine lets go of it.`,
      );
    });
};

/** Nothing where nothing was said: then the server knows which. */
function engineOf({ engine, ownEngine = false }: CreateOptions): { engine?: string | null } {
  if (ownEngine) return { engine: null };
  return engine === undefined ? {} : { engine };
}

async function queryOf(session: Session, { cluster }: ClusterOption) {
  return { limit: 1000, ...(cluster !== undefined && { cluster_id: (await findCluster(session, cluster)).id }) };
}

async function findVolume(session: Session, name: string, given: ClusterOption): Promise<Volume> {
  const query = await queryOf(session, given);
  const { items } = await call(session, listVolumes({ client: session.client, query }));
  const found = items.filter((one) => one.id === name || one.name === name);
  const [first] = found;
  if (first === undefined) {
    throw new CliError(`there is no volume "${name}"`, exitCodes.notFound, ['See them with: hv volume list']);
  }
  if (found.length > 1) {
    throw new CliError(`several clusters have a volume "${name}"`, exitCodes.usage, ['Name one with --cluster']);
  }
  return first;
}
