import {
  type ArrayChange,
  cancelArray,
  cancelDeployment,
  type Deployment,
  type DeploymentArray,
  type DeploymentDetail,
  deleteArray,
  deleteDeployment,
  type Event,
  getDeployment,
  listArrays,
  listDeploymentEvents,
  listDeployments,
  retryArray,
  retryDeployment,
  stopDeployment,
  updateDeployment,
} from '../../sdk/index.ts';
import { arrayName, countsInWords } from '../arrays.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findCluster, findDeployment, findTarget } from '../find.ts';
import { age, duration, labels, resources, shortId } from '../format.ts';
import { healthCheckText } from '../health-check.ts';
import { print, say, status, table } from '../output.ts';
import { call, type Globals, openSession, type Session } from '../session.ts';
import { watched } from '../watch.ts';

type ReplicaPort = DeploymentDetail['replica_states'][number]['ports'][number];

const openStatuses = 'queued,starting,running,stopping';

interface ListOptions {
  readonly all?: boolean;
  readonly cluster?: string;
  readonly status?: string;
  readonly kind?: 'job' | 'service';
  readonly name?: string;
  readonly limit: string;
  readonly watch?: boolean;
  readonly allElements?: boolean;
}

export const addPs: AddCommand = (program) => {
  program
    .command('ps')
    .description('list deployments: those that are not over, or all')
    .option('-a, --all', 'also what has ended')
    .option('-c, --cluster <name>', 'only of this cluster')
    .option('-s, --status <statuses>', 'only with these statuses, separated by commas')
    .option('--kind <kind>', 'only jobs, or only services')
    .option('--name <text>', 'only with this in their name')
    .option('--limit <count>', 'how many at most', '100')
    .option('--all-elements', 'each element of an array by itself')
    .option('-w, --watch', 'go on, every two seconds')
    .action(async (_options, command) => {
      const given = options<ListOptions>(command);
      const session = await openSession(given);
      const cluster = given.cluster === undefined ? null : await findCluster(session, given.cluster);
      const wanted = given.status ?? (given.all === true ? undefined : openStatuses);
      const query = {
        limit: Number(given.limit),
        ...(cluster === null ? {} : { cluster_id: cluster.id }),
        ...(wanted === undefined ? {} : { status: wanted }),
        ...(given.kind === undefined ? {} : { kind: given.kind }),
        ...(given.name === undefined ? {} : { name: given.name }),
      };
      await watched(given, async () => {
        if (given.allElements === true) {
          const page = await call(session, listDeployments({ client: session.client, query }));
          return given.json === true ? JSON.stringify(page, null, 2) : listed(page.items, [], given.all === true);
        }
        const alone = { ...query, in_array: 'false' };
        const page = await call(session, listDeployments({ client: session.client, query: alone }));
        const arrays = await arraysOf(session, given, query);
        if (given.json === true) return JSON.stringify({ ...page, arrays }, null, 2);
        return listed(page.items, arrays, given.all === true);
      });
    });
};

/** Those of which something has one of the statuses that are asked for. */
async function arraysOf(
  session: Session,
  given: ListOptions,
  { limit, cluster_id, name }: { limit: number; cluster_id?: string; name?: string },
): Promise<DeploymentArray[]> {
  if (given.kind === 'service') return [];
  const query = {
    limit,
    ...(cluster_id === undefined ? {} : { cluster_id }),
    ...(name === undefined ? {} : { name }),
    ...(given.status === undefined && given.all !== true ? { open: 'true' } : {}),
  };
  const { items } = await call(session, listArrays({ client: session.client, query }));
  const wanted = given.status?.split(',');
  return items.filter((array) => wanted?.some((one) => countOf(array, one) > 0) ?? true);
}

function countOf({ counts }: DeploymentArray, wanted: string): number {
  return (counts as Readonly<Record<string, number>>)[wanted] ?? 0;
}

function listed(items: readonly Deployment[], arrays: readonly DeploymentArray[], all: boolean): string {
  if (items.length + arrays.length === 0)
    return all ? 'There is no deployment yet.' : 'Nothing is queued or running (hv ps --all shows what has ended).';
  const lines = [
    ...items.map((one) => ({ one, cells: deploymentCells(one) })),
    ...arrays.map((one) => ({ one, cells: arrayCells(one) })),
  ];
  const latestFirst = lines.toSorted((a, b) => (a.one.created_at > b.one.created_at ? -1 : 1));
  return table(
    ['id', 'name', 'kind', 'status', 'ready', 'priority', 'RAM / CPU / GPU', 'age', 'why'],
    latestFirst.map(({ cells }) => cells),
  );
}

function deploymentCells(one: Deployment): (string | number)[] {
  return [
    shortId(one.id),
    one.array === null ? one.name : `${one.name}[${one.array.index}]`,
    one.kind,
    status(one.status),
    `${one.ready_replicas}/${one.replicas}`,
    one.priority,
    resources({ ram: one.ram_required, cpu: one.cpu_required, gpu: one.gpu_required }),
    age(one.created_at),
    one.reason ?? (one.unmet_dependencies > 0 ? 'waits for others' : ''),
  ];
}

function arrayCells(one: DeploymentArray): (string | null)[] {
  return [shortId(one.id), arrayName(one), 'array', countsInWords(one), null, null, null, age(one.created_at), ''];
}

export const addDescribe: AddCommand = (program) => {
  program
    .command('describe')
    .description('a deployment: why it waits, where it runs, what happened to it')
    .argument('<deployment>', 'its id, the end of its id, or its name; of an array: all of it, or "name[3]"')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const target = await findTarget(session, name);
      if (target.kind === 'array') return describeArray(globals, session, target.array);
      const { id } = target.deployment;
      const detail = await call(session, getDeployment({ client: session.client, path: { id } }));
      const events = await call(
        session,
        listDeploymentEvents({ client: session.client, path: { id }, query: { limit: 100 } }),
      );
      print(globals, { ...detail, events: events.items }, () => described(detail, events.items));
    });
};

const failuresShown = 20;

async function describeArray(globals: Globals, session: Session, array: DeploymentArray): Promise<void> {
  const query = {
    array_id: array.id,
    status: 'failed,cancelled,skipped',
    limit: failuresShown,
    sort: 'created_at' as const,
  };
  const { items } = await call(session, listDeployments({ client: session.client, query }));
  print(globals, { ...array, not_succeeded: items }, () => {
    const facts = [
      ['status', countsInWords(array)],
      ['id', array.id],
      ['at once', array.parallel === null ? 'all' : String(array.parallel)],
      ['submitted', `${array.created_at} (${age(array.created_at)} ago)`],
    ];
    const lines = facts.map(([name = '', value]) => `${name.padEnd(11)}${value}`);
    const why = items.length === 0 ? [] : ['', listed(items, [], true)];
    return [`${arrayName(array)} (array)`, ...lines, ...why].join('\n');
  });
}

function described(one: DeploymentDetail, events: readonly Event[]): string {
  const facts: [string, string | null][] = [
    ['status', `${status(one.status)}${one.reason === null ? '' : `: ${one.reason}`}`],
    ['id', one.id],
    ['image', one.docker_image],
    ['command', one.command === null ? null : one.command.join(' ')],
    ['asks for', asksFor(one)],
    ['data', dataText(one)],
    ['network', one.network === 'shared' ? null : one.network],
    ['priority', priorityText(one)],
    ['checked by', healthCheckText(one)],
    ['ready', one.replica_states.length === 0 ? null : `${one.ready_replicas} of ${one.replicas}`],
    ['time limit', one.time_limit_s === null ? null : duration(one.time_limit_s * 1000)],
    ['submitted', `${one.created_at} (${age(one.created_at)} ago)`],
    ['waited', one.admitted_at === null ? null : duration(Date.parse(one.admitted_at) - Date.parse(one.queued_at))],
    [
      'ran',
      one.started_at === null
        ? null
        : duration((one.finished_at === null ? Date.now() : Date.parse(one.finished_at)) - Date.parse(one.started_at)),
    ],
    ['exit code', one.exit_code === null ? null : String(one.exit_code)],
    ['attempt', one.attempt > 1 ? String(one.attempt) : null],
    ['array', one.array === null ? null : `${one.array.index} of 0 to ${one.array.count - 1}`],
    ['depends on', dependenciesText(one)],
    ['kept until', one.expires_at],
    ['retries', one.retry === null ? null : `${one.retries_used} of ${one.retry.limit} used`],
    ['revision', one.kind === 'job' ? null : revisionText(one)],
    ['restart', one.restart === null ? null : restartText(one.restart)],
    ['hint', one.hints.length === 0 ? null : `it ${one.hints.join('; it ')}`],
  ];
  const lines = facts.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(11)}${value}`]));
  return [
    `${one.array === null ? one.name : `${one.name}[${one.array.index}]`} (${one.kind})`,
    ...lines,
    ...waitingLines(one),
    '',
    ...replicaLines(one),
    eventLines(events),
  ].join('\n');
}

/** "build to succeed (met), test to end (waiting)". */
function dependenciesText({ dependencies }: DeploymentDetail): string | null {
  const verbs = { succeeded: 'succeed', failed: 'fail', any: 'end' } as const;
  const texts = dependencies.map(({ name, condition, state }) => `${name} to ${verbs[condition]} (${state})`);
  return texts.length === 0 ? null : texts.join(', ');
}

function asksFor(one: DeploymentDetail): string {
  const { gpu_models: models, gpu_memory_required: memory, node_labels: wanted, max_per_node: most } = one;
  const parts = [
    resources({ ram: one.ram_required, cpu: one.cpu_required, gpu: one.gpu_required }),
    models.length > 0 ? `GPUs of ${models.join(' or ')}` : '',
    memory > 0 ? `${memory} GB on each GPU` : '',
    one.replicas > 1 ? `${one.replicas} replicas` : '',
    one.replicas > 1 && most !== null ? `at most ${most} on a node` : '',
    Object.keys(wanted).length > 0 ? `nodes with ${labels(wanted)}` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** What it brings along: names and places. */
function dataText({ volumes, secrets, files }: DeploymentDetail): string | null {
  const parts = [
    ...volumes.map(({ name, host_path, path }) => `${name ?? host_path} at ${path}`),
    ...secrets.map(({ name, env, path }) => `secret ${name} as ${env ?? path}`),
    ...files.map(({ path }) => `file ${path}`),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}

function revisionText({
  revision,
  stable_revision: stable,
  updating,
  update_message: waits,
}: DeploymentDetail): string {
  if (!updating) return String(revision);
  const way = revision === stable ? `${revision}, on its way back to it` : `${revision}, on its way from ${stable}`;
  return waits === null ? way : `${way}: ${waits}`;
}

function restartText({ policy, max_restarts: most }: NonNullable<DeploymentDetail['restart']>): string {
  const when = { always: 'always', on_failure: 'when it fails', never: 'never' }[policy];
  return most === null || policy === 'never' ? when : `${when}, ${most} times in a row at the most`;
}

function priorityText({ priority, waiting }: DeploymentDetail): string {
  if (waiting === null || waiting.effective_priority === priority) return String(priority);
  return `${priority}, raised to ${waiting.effective_priority} by its age`;
}

function waitingLines({ waiting }: DeploymentDetail): string[] {
  if (waiting === null) return [];
  const { reservation } = waiting;
  const held =
    reservation === null
      ? []
      : [
          `${'reserved'.padEnd(11)}room on ${reservation.nodes.join(', ')}${reservation.starts_at === null ? '' : `, to start by ${reservation.starts_at}`}`,
        ];
  const where = waiting.position === null ? '' : `at position ${waiting.position}: `;
  return [`${'waits'.padEnd(11)}${where}${waiting.message}`, ...held];
}

function replicaLines({ replica_states: replicas }: DeploymentDetail): string[] {
  if (replicas.length === 0) return [];
  const made = table(
    ['replica', 'status', 'run', 'health', 'node', 'GPUs', 'ports', 'peak RAM', 'exit', 'why'],
    replicas.map((one) => [
      one.index,
      one.status,
      one.run,
      one.health ?? '-',
      one.node,
      one.gpu_devices.join(', ') || '-',
      one.ports.map(reachText).join(', ') || '-',
      one.peak_ram === null ? '-' : `${one.peak_ram} GB`,
      one.exit_code,
      [one.reason ?? (one.status === 'running' ? one.health_message : null) ?? '', nextStart(one)]
        .filter((text) => text !== '')
        .join('; '),
    ]),
  );
  return [made, ''];
}

/** "10.0.0.5:8080 -> 80", or "10.0.0.5:5353 -> 53/udp". */
function reachText({ address, host, container, protocol }: ReplicaPort): string {
  return `${address ?? '-'}:${host} -> ${container}${protocol === 'udp' ? '/udp' : ''}`;
}

function nextStart({ next_start_at: at }: DeploymentDetail['replica_states'][number]): string {
  if (at === null) return '';
  const waitMs = Date.parse(at) - Date.now();
  return waitMs > 0 ? `starts again in ${duration(waitMs)}` : 'starts again now';
}

function eventLines(events: readonly Event[]): string {
  return table(
    ['when', 'what', ''],
    events.map((event) => [event.created_at, event.type.replace('deployment.', ''), event.message]),
  );
}

export const addVerbs: AddCommand = (program) => {
  const verbs = [
    ['stop', 'stop what is starting or running', stopDeployment, null],
    ['cancel', 'withdraw a deployment or an array, whether it waits or runs', cancelDeployment, cancelArray],
    ['retry', 'queue a finished deployment again, or what of an array did not succeed', retryDeployment, retryArray],
  ] as const;
  for (const [verb, description, request, ofArray] of verbs) {
    program
      .command(verb)
      .description(description)
      .argument('<deployment...>')
      .action(async (names: string[], _options, command) => {
        const globals = options(command);
        const session = await openSession(globals);
        const changed: (Deployment | ArrayChange)[] = [];
        for (const name of names) {
          const target = await findTarget(session, name);
          if (target.kind === 'deployment') {
            const path = { id: target.deployment.id };
            changed.push(await call(session, request({ client: session.client, path })));
          } else {
            if (ofArray === null)
              throw new CliError(`"${name}" is an array: cancel it, or ${verb} one of it`, exitCodes.usage);
            changed.push(await call(session, ofArray({ client: session.client, path: { id: target.array.id } })));
          }
        }
        print(globals, changed.length === 1 ? changed[0] : { deployments: changed }, () =>
          changed.map((one) => ('changed' in one ? arrayIs(one) : nowIs(one))).join('\n'),
        );
      });
  }
  addDelete(program);
  addPriority(program);
};

const arrayIs = (one: ArrayChange) =>
  `${arrayName(one)} (${shortId(one.id)}): ${one.changed} changed; ${countsInWords(one)} now`;

const nowIs = (one: Deployment) => `${one.name} (${shortId(one.id)}) is ${one.status} now`;

const addDelete: AddCommand = (program) => {
  program
    .command('delete')
    .description('delete a deployment, or an array, with its logs; what runs is stopped first')
    .argument('<deployment...>')
    .option('--force', 'also where others wait for it: those are skipped then')
    .action(async (names: string[], _options, command) => {
      const globals = options<{ force?: boolean }>(command);
      const session = await openSession(globals);
      for (const name of names) {
        const target = await findTarget(session, name);
        const query = { force: globals.force === true ? 'true' : 'false' };
        const answer: unknown =
          target.kind === 'array'
            ? await call(session, deleteArray({ client: session.client, path: { id: target.array.id }, query }))
            : await call(
                session,
                deleteDeployment({ client: session.client, path: { id: target.deployment.id }, query }),
              );
        const stopping = typeof answer === 'object' && answer !== null && 'id' in answer;
        say(globals, stopping ? `${name} is deleted as soon as it has stopped` : `${name} is deleted`);
      }
    });
};

const addPriority: AddCommand = (program) => {
  program
    .command('priority')
    .description('change the priority of a queued deployment')
    .argument('<deployment>')
    .argument('<number>', '1 to 100; a lower number goes first', Number)
    .action(async (name: string, priority: number, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const changed = await reprioritize(session, name, priority);
      print(globals, changed, () => `${changed.name} has priority ${changed.priority} now`);
    });
};

async function reprioritize(session: Session, name: string, priority: number): Promise<Deployment> {
  const { id } = await findDeployment(session, name);
  return call(session, updateDeployment({ client: session.client, path: { id }, body: { priority } }));
}
