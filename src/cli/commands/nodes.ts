import { Option } from 'commander';
import { type Cluster, createNode, deleteNode, listNodes, type Node, updateNode } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findCluster } from '../find.ts';
import { labels, pairs, resources } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, openSession, type Session } from '../session.ts';

export function nodeTable(nodes: readonly Node[]): string {
  return table(
    ['node', 'schedulable', 'free (RAM / CPU / GPU)', 'total', 'GPUs', 'labels'],
    nodes.map((node) => [
      node.name,
      node.schedulable ? 'yes' : 'cordoned',
      resources(node.resources.available),
      resources(node.resources.total),
      [...new Set(node.gpus.map(gpuText))].join(', ') || '-',
      labels(node.labels) || '-',
    ]),
  );
}

const gpuText = ({ model, memory_gb: memory }: Node['gpus'][number]) =>
  memory === 0 ? model : `${model} (${memory} GB)`;

export async function nodesOf(session: Session, cluster: Cluster): Promise<Node[]> {
  const page = await call(
    session,
    listNodes({ client: session.client, path: { id: cluster.id }, query: { limit: 1000 } }),
  );
  return page.items;
}

const clusterOption = () => new Option('-c, --cluster <name>', 'the cluster');

interface NodeOptions {
  readonly cluster?: string;
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
  readonly gpuModel: string;
  readonly gpuMemory: number;
  readonly label: string[];
}

const collect = (value: string, before: string[]) => [...before, value];

export const addNodes: AddCommand = (program) => {
  const node = program.command('node').alias('nodes').description('nodes of a cluster');

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
    .option('--gpu-memory <gb>', 'memory in GB that each has', Number, 0)
    .option('--label <name=value>', 'what deployments can ask for (repeatable)', collect, [])
    .action(async (name: string, _options, command) => {
      const given = options<NodeOptions>(command);
      const session = await openSession(given);
      const { id } = await findCluster(session, given.cluster);
      const gpus = Array.from({ length: given.gpu }, () => ({ model: given.gpuModel, memory_gb: given.gpuMemory }));
      const body = { name, ram: given.ram, cpu: given.cpu, gpus, labels: pairs(given.label, '--label') };
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
    .command('label')
    .description('set labels of a node, or take them away: zone=a disk-')
    .argument('<name>')
    .argument('<label...>', 'name=value to set it, name- to take it away')
    .addOption(clusterOption())
    .action(async (name: string, changes: string[], _options, command) => {
      const given = options<{ cluster?: string }>(command);
      const session = await openSession(given);
      const path = await nodePath(session, given.cluster, name);
      const body = { labels: labelChanges(changes) };
      const changed = await call(session, updateNode({ client: session.client, path, body }));
      print(given, changed, () => `${changed.name}: ${labels(changed.labels) || 'no labels'}`);
    });

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

const isRemoval = (text: string) => text.endsWith('-') && !text.includes('=');

function labelChanges(texts: readonly string[]): Record<string, string | null> {
  return {
    ...Object.fromEntries(texts.filter(isRemoval).map((text) => [text.slice(0, -1), null])),
    ...pairs(
      texts.filter((text) => !isRemoval(text)),
      'the label',
    ),
  };
}
