import { setTimeout as sleep } from 'node:timers/promises';
import { Option } from 'commander';
import { createNode, deleteNode, drainNode, getNode, type Node, updateNode } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { findCluster, nodePath, nodesOf } from '../find.ts';
import { labels, pairs, parseDuration, resources } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, openSession, type Session } from '../session.ts';
import { type CredentialOptions, engineFor, withCredentials } from './engines.ts';
import { addMaintenance } from './maintenance.ts';

export function nodeTable(nodes: readonly Node[]): string {
  return table(
    ['node', 'state', 'engine', 'free (RAM / CPU / GPU)', 'total', 'GPUs', 'labels'],
    nodes.map((node) => [
      node.name,
      stateOf(node),
      node.engine?.name ?? '-',
      resources(node.resources.available),
      resources(node.resources.total),
      [...new Set(node.gpus.map(gpuText))].join(', ') || '-',
      labels(node.labels) || '-',
    ]),
  );
}

function stateOf(node: Node): string {
  const until = node.drain?.deadline == null || node.status !== 'draining' ? '' : ` until ${node.drain.deadline}`;
  const left = node.status === 'draining' ? ` (${node.drain?.left.length} left)` : '';
  return `${node.status}${left}${until}${node.warnings.length === 0 ? '' : ', warning'}`;
}

const gpuText = ({ model, memory_gb: memory }: Node['gpus'][number]) =>
  memory === 0 ? model : `${model} (${memory} GB)`;

const clusterOption = () => new Option('-c, --cluster <name>', 'the cluster');

interface NodeOptions extends CredentialOptions {
  readonly cluster?: string;
  readonly ram?: number;
  readonly cpu?: number;
  readonly gpu?: number;
  readonly engine?: string;
  readonly gpuModel: string;
  readonly gpuMemory: number;
  readonly label: string[];
}

const gpusOf = (length: number, model: string, memory: number) =>
  Array.from({ length }, () => ({ model, memory_gb: memory }));

const collect = (value: string, before: string[]) => [...before, value];

export const addNodes: AddCommand = (program) => {
  const node = program.command('node').alias('nodes').description('nodes of a cluster');
  addMaintenance(node);

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

  withCredentials(node.command('add'))
    .description('add a node; with --engine one that is another machine, whose capacity is found by itself')
    .argument('<name>')
    .addOption(clusterOption())
    .option('--engine <name or address>', 'tcp://host:port or ssh://user@host of its engine, or the name of one')
    .option('--ram <gb>', 'memory in GB; default with --engine: all of the machine', Number)
    .option('--cpu <cores>', 'cores; default with --engine: all of the machine', Number)
    .option('--gpu <devices>', 'GPU devices', Number)
    .option('--gpu-model <model>', 'their model', 'generic')
    .option('--gpu-memory <gb>', 'memory in GB that each has', Number, 0)
    .option('--label <name=value>', 'what deployments can ask for (repeatable)', collect, [])
    .action(async (name: string, _options, command) => {
      const given = options<NodeOptions>(command);
      const session = await openSession(given);
      const { id } = await findCluster(session, given.cluster);
      const { ram, cpu, gpu, gpuModel, gpuMemory, label, engine } = given;
      const body = {
        name,
        ...(ram === undefined ? {} : { ram }),
        ...(cpu === undefined ? {} : { cpu }),
        ...(gpu === undefined ? {} : { gpus: gpusOf(gpu, gpuModel, gpuMemory) }),
        ...(engine === undefined ? {} : { engine: await engineFor(session, name, engine, given) }),
        labels: pairs(label, '--label'),
      };
      const made = await call(session, createNode({ client: session.client, path: { id }, body }));
      const warnings = made.warnings.map((one) => `\nWarning: ${one}.`).join('');
      print(given, made, () => `Added ${made.name}: ${resources(made.resources.total)}.${warnings}`);
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
    .command('drain')
    .description('let what runs there leave: services move, jobs may finish; undone by uncordon')
    .argument('<name>')
    .addOption(clusterOption())
    .option('--deadline <duration>', 'jobs that have not finished by then are stopped and queued again')
    .addOption(
      new Option('--jobs <what>', 'whether jobs may finish').choices(['finish', 'stop'] as const).default('finish'),
    )
    .option('--wait', 'until nothing is left there')
    .action(async (name: string, _options, command) => {
      const given = options<DrainOptions>(command);
      const session = await openSession(given);
      const path = await nodePath(session, given.cluster, name);
      const { deadline, jobs, wait = false } = given;
      const body = { jobs, ...(deadline === undefined ? {} : { deadline_s: parseDuration(deadline) }) };
      const begun = await call(session, drainNode({ client: session.client, path, body }));
      const drained = wait ? await untilDrained(session, path, (left) => say(given, left)) : begun;
      print(given, drained, () => drainText(drained));
    });

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

interface DrainOptions {
  readonly cluster?: string;
  readonly deadline?: string;
  readonly jobs: 'finish' | 'stop';
  readonly wait?: boolean;
}

const drainLookMs = 500;

/** Looks again and again, and tells when something has changed. */
async function untilDrained(
  session: Session,
  path: { id: string; node_id: string },
  tell: (left: string) => void,
): Promise<Node> {
  let told = '';
  for (;;) {
    const node = await call(session, getNode({ client: session.client, path }));
    if (node.drain === null || node.drain.drained_at !== null) return node;
    const text = drainText(node);
    if (text !== told) tell(text);
    told = text;
    await sleep(drainLookMs);
  }
}

function drainText({ name, drain }: Node): string {
  if (drain === null) return `${name} is not drained any more.`;
  if (drain.drained_at !== null) return `${name} is drained.`;
  if (drain.left.length === 0) return `${name} is drained; nothing is left there.`;
  const until = drain.deadline === null ? '' : `, jobs until ${drain.deadline}`;
  return `Draining ${name}${until}. Still there: ${drain.left.map((one) => `${one.name} (${one.kind})`).join(', ')}`;
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
