import { Option } from 'commander';
import { type Cluster, createCluster, deleteCluster, listClusters, type Node, updateCluster } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findCluster, nodesOf } from '../find.ts';
import { age, bar, duration, parseDuration, resources } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, openSession } from '../session.ts';
import { watched } from '../watch.ts';
import { nodeTable } from './nodes.ts';

const runtimeOption = () =>
  new Option('--runtime <kind>', 'what runs the containers')
    .choices(['docker', 'swarm', 'simulated'] as const)
    .default('docker');

interface PolicyOptions {
  readonly agingInterval?: string;
  readonly reservationAfter?: string;
  readonly preemption?: 'on' | 'off';
  readonly minRunTime?: string;
  readonly backfill?: 'largest_set' | 'learned';
  readonly lostAfter?: string;
  readonly retention?: string;
}

const preemptionOption = () =>
  new Option('--preemption <on|off>', 'stop what runs for what is more important').choices(['on', 'off'] as const);

const lostAfterOption = () =>
  new Option('--lost-after <duration>', 'what was on an engine that has not answered for so long is given up');

const backfillOption = () =>
  new Option('--backfill <order>', 'who goes first: as many as can run, or who is expected to be short').choices([
    'largest_set',
    'learned',
  ] as const);

const retentionOption = () =>
  new Option('--retention <duration>', 'what has ended is deleted after so long; "forever": never');

function policyOf(given: PolicyOptions) {
  const { agingInterval, reservationAfter, preemption, minRunTime, backfill, lostAfter, retention } = given;
  const stopping = {
    ...(preemption === undefined ? {} : { enabled: preemption === 'on' }),
    ...(minRunTime === undefined ? {} : { min_run_time_s: parseDuration(minRunTime) }),
  };
  return {
    ...(agingInterval === undefined ? {} : { aging_interval_s: parseDuration(agingInterval) }),
    ...(reservationAfter === undefined ? {} : { reservation_after_s: parseDuration(reservationAfter) }),
    ...(backfill === undefined ? {} : { backfill }),
    ...(lostAfter === undefined ? {} : { lost_after_s: parseDuration(lostAfter) }),
    ...(retention === undefined ? {} : { retention_s: retention === 'forever' ? null : parseDuration(retention) }),
    ...(Object.keys(stopping).length === 0 ? {} : { preemption: stopping }),
  };
}

interface SizeOptions {
  readonly ram?: number;
  readonly cpu?: number;
  readonly gpu?: number;
  readonly runtime: 'docker' | 'swarm' | 'simulated';
  readonly engine?: string;
}

/** A swarm says itself what it has. */
function sizeOf({ ram, cpu, gpu, runtime, engine }: SizeOptions) {
  const given = { '--ram': ram, '--cpu': cpu, '--gpu': gpu, '--engine': engine };
  const isSwarm = runtime === 'swarm';
  const missing = isSwarm ? (['--engine'] as const) : (['--ram', '--cpu'] as const);
  const absent = missing.filter((name) => given[name] === undefined);
  if (absent.length > 0) throw new CliError(`${absent.join(' and ')} must be given`, exitCodes.usage);
  const wrong = (isSwarm ? (['--ram', '--cpu', '--gpu'] as const) : (['--engine'] as const)).filter(
    (name) => given[name] !== undefined,
  );
  if (wrong.length > 0) {
    const why = isSwarm ? 'the swarm says what it has' : 'only a swarm has one for all of it';
    throw new CliError(`${wrong.join(' and ')} must be left out: ${why}`, exitCodes.usage);
  }
  return isSwarm ? { engine: engine ?? '' } : { ram: ram ?? 0, cpu: cpu ?? 0, gpu: gpu ?? 0 };
}

export const addClusters: AddCommand = (program) => {
  const cluster = program.command('cluster').description('clusters: named pools of nodes');

  cluster
    .command('create')
    .description('make a cluster of one node, or of a swarm')
    .argument('<name>')
    .option('--ram <gb>', 'memory in GB', Number)
    .option('--cpu <cores>', 'cores', Number)
    .option('--gpu <devices>', 'GPU devices', Number)
    .addOption(runtimeOption())
    .option('--engine <swarm>', '--runtime swarm: which one, as it was added with: hv engine add NAME ADDRESS --swarm')
    .option('--aging-interval <duration>', 'waiting this long raises the priority by one')
    .option('--reservation-after <duration>', 'passed over for longer, room is kept')
    .addOption(retentionOption())
    .addOption(backfillOption())
    .addOption(preemptionOption())
    .option('--min-run-time <duration>', 'nothing is stopped for others that has not run for so long')
    .addOption(lostAfterOption())
    .action(async (name: string, _options, command) => {
      const given = options<SizeOptions & PolicyOptions>(command);
      const size = sizeOf(given);
      const session = await openSession(given);
      const body = { name, ...size, runtime: given.runtime, policy: policyOf(given) };
      const made = await call(session, createCluster({ client: session.client, body }));
      print(
        given,
        made,
        () => `Made ${made.name}: ${resources(made.resources.total)}. Next: hv submit --cluster ${made.name} --image …`,
      );
    });

  cluster
    .command('list')
    .description('list the clusters')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const page = await call(session, listClusters({ client: session.client, query: { limit: 1000 } }));
      print(globals, page, ({ items }) =>
        table(
          ['name', 'status', 'runtime', 'free (RAM / CPU / GPU)', 'total', 'active', 'queued', 'age'],
          items.map((one) => [
            one.name,
            one.status,
            one.runtime,
            resources(one.resources.available),
            resources(one.resources.total),
            one.deployments.active,
            one.deployments.queued,
            age(one.created_at),
          ]),
        ),
      );
    });

  cluster
    .command('describe')
    .description('a cluster with its policy and nodes')
    .argument('[name]')
    .action(async (name: string | undefined, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const found = await findCluster(session, name);
      const nodes = await nodesOf(session, found);
      print(globals, { ...found, nodes }, () => describe(found, nodes));
    });

  cluster
    .command('set-policy')
    .description('change how a cluster is scheduled')
    .argument('[name]')
    .option('--aging-interval <duration>', 'waiting this long raises the priority by one; 0: off')
    .option('--reservation-after <duration>', 'passed over for longer, room is kept')
    .addOption(retentionOption())
    .addOption(backfillOption())
    .addOption(preemptionOption())
    .option('--min-run-time <duration>', 'nothing is stopped for others that has not run for so long')
    .addOption(lostAfterOption())
    .action(async (name: string | undefined, _options, command) => {
      const given = options<PolicyOptions>(command);
      const session = await openSession(given);
      const found = await findCluster(session, name);
      const changed = await call(
        session,
        updateCluster({ client: session.client, path: { id: found.id }, body: { policy: policyOf(given) } }),
      );
      print(given, changed, policyText);
    });

  cluster
    .command('delete')
    .description('delete a cluster')
    .argument('<name>')
    .option('--force', 'stop what is active there first')
    .action(async (name: string, _options, command) => {
      const given = options<{ force?: boolean }>(command);
      const session = await openSession(given);
      const found = await findCluster(session, name);
      const query = { force: given.force === true ? 'true' : 'false' };
      const answer = await call(session, deleteCluster({ client: session.client, path: { id: found.id }, query }));
      say(
        given,
        answer === undefined || !('id' in Object(answer))
          ? `Deleted ${found.name}.`
          : `${found.name} is deleted as soon as its containers have stopped.`,
      );
    });

  cluster
    .command('set-host-paths')
    .description("allow directories of the engine's machine, and what lies below them, to deployments; none: none")
    .argument('<name>')
    .argument('[path[:rw]...]', 'only to be read, unless :rw stands behind')
    .action(async (name: string, paths: string[], _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const found = await findCluster(session, name);
      const allowed = paths.map((text) => ({ path: text.replace(/:r[ow]$/, ''), read_only: !text.endsWith(':rw') }));
      const body = { allowed_host_paths: allowed };
      const changed = await call(session, updateCluster({ client: session.client, path: { id: found.id }, body }));
      print(globals, changed, () => hostPathsText(changed));
    });
};

function hostPathsText({ name, allowed_host_paths: paths }: Cluster): string {
  const list = paths.map(({ path, read_only }) => `${path} (${read_only ? 'read only' : 'read and write'})`);
  return `${name}: deployments may use ${list.join(', ') || 'no directory of the machine'}.`;
}

function policyText(cluster: Cluster): string {
  const { aging_interval_s: aging, reservation_after_s: reservation } = cluster.policy;
  const raised = aging === 0 ? 'no aging' : `priority rises by one every ${duration(aging * 1000)}`;
  const { enabled, min_run_time_s: minimum } = cluster.policy.preemption;
  const stopped = enabled
    ? `what has run for ${duration(minimum * 1000)} may be stopped for what is more important`
    : 'nothing is stopped for what is more important';
  const first =
    cluster.policy.backfill === 'learned'
      ? 'who is expected to be short goes first, as learned from earlier runs'
      : 'as many as can run go first';
  const { retention_s: retention } = cluster.policy;
  const kept = retention === null ? 'for ever' : `for ${duration(retention * 1000)}`;
  return `${cluster.name}: ${raised}; ${first}; room is kept for what has waited longer than ${duration(reservation * 1000)}; ${stopped}; what has ended is kept ${kept}.`;
}

function describe(cluster: Cluster, nodes: readonly Node[]): string {
  const lines = [
    `${cluster.name} (${cluster.id})`,
    `status     ${cluster.status}${cluster.status_message === null ? '' : `: ${cluster.status_message}`}`,
    `runtime    ${cluster.runtime}`,
    `policy     ${policyText(cluster)}`,
    `active     ${cluster.deployments.active}, queued ${cluster.deployments.queued}`,
  ];
  return `${lines.join('\n')}\n\n${usage(cluster)}\n\n${nodeTable(nodes)}`;
}

const usageRow = (name: string, used: number, all: number, unit: string) =>
  `${name}  ${bar(all === 0 ? 0 : used / all)}  ${used} of ${all} ${unit}`;

/** Allocated of total, as bars. */
function usage({ resources: { allocated, total } }: Pick<Cluster, 'resources'>): string {
  return [
    usageRow('RAM', allocated.ram, total.ram, 'GB'),
    usageRow('CPU', allocated.cpu, total.cpu, 'cores'),
    usageRow('GPU', allocated.gpu, total.gpu, 'devices'),
  ].join('\n');
}

export const addTop: AddCommand = (program) => {
  program
    .command('top')
    .description('how much of the clusters is in use')
    .option('-w, --watch', 'go on, every two seconds')
    .action(async (_options, command) => {
      const given = options<{ watch?: boolean }>(command);
      const session = await openSession(given);
      await watched(given, async () => {
        const { items } = await call(session, listClusters({ client: session.client, query: { limit: 100 } }));
        if (given.json === true) return JSON.stringify({ items });
        const parts = items.map(
          (one) =>
            `${one.name}  ${one.status}, ${one.deployments.active} active, ${one.deployments.queued} queued\n${usage(one)}`,
        );
        return parts.join('\n\n') || 'There is no cluster yet. Make one with: hv cluster create';
      });
    });
};
