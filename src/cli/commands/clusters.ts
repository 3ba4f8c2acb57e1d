import { Option } from 'commander';
import {
  type Cluster,
  createCluster,
  createNode,
  deleteCluster,
  deleteNode,
  listClusters,
  listNodes,
  type Node,
  updateCluster,
  updateNode,
} from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findCluster } from '../find.ts';
import { age, bar, duration, parseDuration, resources } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, openSession, type Session } from '../session.ts';
import { watched } from '../watch.ts';

const runtimeOption = () =>
  new Option('--runtime <kind>', 'what runs the containers')
    .choices(['docker', 'simulated'] as const)
    .default('docker');

interface PolicyOptions {
  readonly agingInterval?: string;
  readonly reservationAfter?: string;
}

function policyOf({ agingInterval, reservationAfter }: PolicyOptions) {
  return {
    ...(agingInterval === undefined ? {} : { aging_interval_s: parseDuration(agingInterval) }),
    ...(reservationAfter === undefined ? {} : { reservation_after_s: parseDuration(reservationAfter) }),
  };
}

export const addClusters: AddCommand = (program) => {
  const cluster = program.command('cluster').description('clusters: named pools of nodes');

  cluster
    .command('create')
    .description('make a cluster of one node')
    .argument('<name>')
    .requiredOption('--ram <gb>', 'memory in GB', Number)
    .requiredOption('--cpu <cores>', 'cores', Number)
    .option('--gpu <devices>', 'GPU devices', Number, 0)
    .addOption(runtimeOption())
    .option('--aging-interval <duration>', 'waiting this long raises the priority by one')
    .option('--reservation-after <duration>', 'passed over for longer, room is kept')
    .action(async (name: string, _options, command) => {
      const given = options<{ ram: number; cpu: number; gpu: number; runtime: 'docker' | 'simulated' } & PolicyOptions>(
        command,
      );
      const session = await openSession(given);
      const body = {
        name,
        ram: given.ram,
        cpu: given.cpu,
        gpu: given.gpu,
        runtime: given.runtime,
        policy: policyOf(given),
      };
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
};

function policyText(cluster: Cluster): string {
  const { aging_interval_s: aging, reservation_after_s: reservation } = cluster.policy;
  const raised = aging === 0 ? 'no aging' : `priority rises by one every ${duration(aging * 1000)}`;
  return `${cluster.name}: ${raised}; room is kept for what has waited longer than ${duration(reservation * 1000)}.`;
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

function nodeTable(nodes: readonly Node[]): string {
  return table(
    ['node', 'schedulable', 'free (RAM / CPU / GPU)', 'total', 'GPU models'],
    nodes.map((node) => [
      node.name,
      node.schedulable ? 'yes' : 'cordoned',
      resources(node.resources.available),
      resources(node.resources.total),
      [...new Set(node.gpus.map((gpu) => gpu.model))].join(', ') || '-',
    ]),
  );
}

async function nodesOf(session: Session, cluster: Cluster): Promise<Node[]> {
  const page = await call(
    session,
    listNodes({ client: session.client, path: { id: cluster.id }, query: { limit: 1000 } }),
  );
  return page.items;
}

const clusterOption = () => new Option('-c, --cluster <name>', 'the cluster');

export const addNodes: AddCommand = (program) => {
  const node = program.command('node').description('nodes of a cluster');

  node
    .command('list')
    .description('list the nodes')
    .addOption(clusterOption())
    .action(async (_options, command) => {
      const given = options<{ cluster?: string }>(command);
      const session = await openSession(given);
      const items = await nodesOf(session, await findCluster(session, given.cluster));
      print(given, { items }, () => nodeTable(items));
    });

  node
    .command('add')
    .description('add a node')
    .argument('<name>')
    .addOption(clusterOption())
    .requiredOption('--ram <gb>', 'memory in GB', Number)
    .requiredOption('--cpu <cores>', 'cores', Number)
    .option('--gpu <devices>', 'GPU devices', Number, 0)
    .option('--gpu-model <model>', 'their model', 'generic')
    .action(async (name: string, _options, command) => {
      const given = options<{ cluster?: string; ram: number; cpu: number; gpu: number; gpuModel: string }>(command);
      const session = await openSession(given);
      const { id } = await findCluster(session, given.cluster);
      const gpus = Array.from({ length: given.gpu }, () => ({ model: given.gpuModel }));
      const body = { name, ram: given.ram, cpu: given.cpu, gpus };
      const made = await call(session, createNode({ client: session.client, path: { id }, body }));
      print(given, made, () => `Added ${made.name}: ${resources(made.resources.total)}.`);
    });

  for (const [verb, schedulable, done] of [
    ['cordon', false, 'Nothing new is placed there; what runs goes on.'],
    ['uncordon', true, 'New deployments are placed there again.'],
  ] as const) {
    node
      .command(verb)
      .description(schedulable ? 'place deployments there again' : 'place nothing new there')
      .argument('<name>')
      .addOption(clusterOption())
      .action(async (name: string, _options, command) => {
        const given = options<{ cluster?: string }>(command);
        const session = await openSession(given);
        const path = await nodePath(session, given.cluster, name);
        const changed = await call(session, updateNode({ client: session.client, path, body: { schedulable } }));
        print(given, changed, () => done);
      });
  }

  node
    .command('delete')
    .description('take a node out of its cluster')
    .argument('<name>')
    .addOption(clusterOption())
    .action(async (name: string, _options, command) => {
      const given = options<{ cluster?: string }>(command);
      const session = await openSession(given);
      await call(session, deleteNode({ client: session.client, path: await nodePath(session, given.cluster, name) }));
      say(given, `Deleted ${name}.`);
    });
};

async function nodePath(session: Session, cluster: string | undefined, name: string) {
  const found = await findCluster(session, cluster);
  const nodes = await nodesOf(session, found);
  const node = nodes.find((one) => one.name === name || one.id === name);
  if (node === undefined) {
    throw new CliError(`${found.name} has no node "${name}"`, exitCodes.notFound, [
      `There are: ${nodes.map((one) => one.name).join(', ')}`,
    ]);
  }
  return { id: found.id, node_id: node.id };
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
