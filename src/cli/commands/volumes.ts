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

export const addVolumes: AddCommand = (program) => {
  const volume = program.command('volume').description('volumes: data that outlives the deployments that use it');

  volume
    .command('create')
    .description('make a volume in a cluster')
    .argument('<name>')
    .option('-c, --cluster <name>', 'the cluster; default: that of the context, or the only one')
    .action(async (name: string, _options, command) => {
      const given = options<ClusterOption>(command);
      const session = await openSession(given);
      const cluster = await findCluster(session, given.cluster);
      const body = { cluster_id: cluster.id, name };
      const made = await call(session, createVolume({ client: session.client, body }));
      print(given, made, () => `Made ${made.name} in ${cluster.name}. Next: hv submit --volume ${made.name}:/data …`);
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
          ['name', 'status', 'size', 'used by', 'id', 'age'],
          items.map((one) => [
            one.name,
            one.status,
            one.size_bytes === null ? null : bytes(one.size_bytes),
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
