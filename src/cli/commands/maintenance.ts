import { type Command, Option } from 'commander';
import { deleteMaintenance, listMaintenance, planMaintenance } from '../../sdk/index.ts';
import { options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findCluster, nodePath, nodesOf } from '../find.ts';
import { parseDuration } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, openSession } from '../session.ts';

interface MaintenanceOptions {
  readonly cluster?: string;
  readonly from: string;
  readonly for: string;
  readonly reason?: string;
}

const clusterOption = () => new Option('-c, --cluster <name>', 'the cluster');

/** "in 2h" and "now", or a time. */
function timeOf(text: string): Date {
  if (text === 'now') return new Date();
  const [, ahead] = /^in (.+)$/.exec(text) ?? [];
  const time = ahead === undefined ? Date.parse(text) : Date.now() + parseDuration(ahead) * 1000;
  if (Number.isNaN(time)) {
    throw new CliError(`--from ${text} is no time`, exitCodes.usage, [
      'Write it as 2026-12-01T22:00:00Z, as "in 2h", or "now".',
    ]);
  }
  return new Date(time);
}

/** Below `node`. */
export function addMaintenance(node: Command): void {
  const maintenance = node.command('maintenance').description('times at which nodes are closed, known beforehand');

  maintenance
    .command('add')
    .description('nothing is placed there that would still run then; what is left is moved when it begins')
    .argument('[node]', 'left out: all nodes of the cluster')
    .addOption(clusterOption())
    .requiredOption('--from <time>', 'a time, "in 2h", or "now"')
    .requiredOption('--for <duration>', 'how long')
    .option('--reason <text>', 'for people')
    .action(async (name: string | undefined, _options, command) => {
      const given = options<MaintenanceOptions>(command);
      const session = await openSession(given);
      const cluster = await findCluster(session, given.cluster);
      const nodeId = name === undefined ? null : (await nodePath(session, given.cluster, name)).node_id;
      const from = timeOf(given.from);
      const to = new Date(from.getTime() + parseDuration(given.for) * 1000);
      const body = {
        node_id: nodeId,
        starts_at: from.toISOString(),
        ends_at: to.toISOString(),
        ...(given.reason === undefined ? {} : { reason: given.reason }),
      };
      const made = await call(session, planMaintenance({ client: session.client, path: { id: cluster.id }, body }));
      print(
        given,
        made,
        () => `Planned for ${name ?? `all nodes of ${cluster.name}`}: ${made.starts_at} to ${made.ends_at}.`,
      );
    });

  maintenance
    .command('list')
    .description('what is planned or under way')
    .addOption(clusterOption())
    .action(async (_options, command) => {
      const given = options<{ cluster?: string }>(command);
      const session = await openSession(given);
      const cluster = await findCluster(session, given.cluster);
      const names = new Map((await nodesOf(session, cluster)).map((one) => [one.id, one.name]));
      const { items } = await call(session, listMaintenance({ client: session.client, path: { id: cluster.id } }));
      print(given, { items }, () =>
        table(
          ['id', 'node', 'status', 'from', 'to', 'reason'],
          items.map((one) => [
            one.id,
            one.node_id === null ? 'all' : (names.get(one.node_id) ?? one.node_id),
            one.status,
            one.starts_at,
            one.ends_at,
            one.reason || '-',
          ]),
        ),
      );
    });

  maintenance
    .command('delete')
    .description('call it off, or end it now')
    .argument('<id>')
    .addOption(clusterOption())
    .action(async (id: string, _options, command) => {
      const given = options<{ cluster?: string }>(command);
      const session = await openSession(given);
      const cluster = await findCluster(session, given.cluster);
      await call(session, deleteMaintenance({ client: session.client, path: { id: cluster.id, maintenance_id: id } }));
      say(given, 'Called off; nodes that it closed are open again.');
    });
}
