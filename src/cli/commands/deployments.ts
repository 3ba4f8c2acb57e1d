import {
  cancelDeployment,
  type Deployment,
  type DeploymentDetail,
  deleteDeployment,
  type Event,
  getDeployment,
  listDeploymentEvents,
  listDeployments,
  retryDeployment,
  stopDeployment,
  updateDeployment,
} from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { findCluster, findDeployment } from '../find.ts';
import { age, duration, labels, resources, shortId } from '../format.ts';
import { healthCheckText } from '../health-check.ts';
import { print, say, status, table } from '../output.ts';
import { call, openSession, type Session } from '../session.ts';
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
        const page = await call(session, listDeployments({ client: session.client, query }));
        return given.json === true ? JSON.stringify(page, null, 2) : listed(page.items, given.all === true);
      });
    });
};

function listed(items: readonly Deployment[], all: boolean): string {
  if (items.length === 0)
    return all ? 'There is no deployment yet.' : 'Nothing is queued or running (hv ps --all shows what has ended).';
  return table(
    ['id', 'name', 'kind', 'status', 'ready', 'priority', 'RAM / CPU / GPU', 'age', 'why'],
    items.map((one) => [
      shortId(one.id),
      one.name,
      one.kind,
      status(one.status),
      `${one.ready_replicas}/${one.replicas}`,
      one.priority,
      resources({ ram: one.ram_required, cpu: one.cpu_required, gpu: one.gpu_required }),
      age(one.created_at),
      one.reason ?? '',
    ]),
  );
}

export const addDescribe: AddCommand = (program) => {
  program
    .command('describe')
    .description('a deployment: why it waits, where it runs, what happened to it')
    .argument('<deployment>', 'its id, the end of its id, or its name')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await findDeployment(session, name);
      const detail = await call(session, getDeployment({ client: session.client, path: { id } }));
      const events = await call(
        session,
        listDeploymentEvents({ client: session.client, path: { id }, query: { limit: 100 } }),
      );
      print(globals, { ...detail, events: events.items }, () => described(detail, events.items));
    });
};

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
  ];
  const lines = facts.flatMap(([name, value]) => (value === null ? [] : [`${name.padEnd(11)}${value}`]));
  return [
    `${one.name} (${one.kind})`,
    ...lines,
    ...waitingLines(one),
    '',
    ...replicaLines(one),
    eventLines(events),
  ].join('\n');
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
  return [`${'waits'.padEnd(11)}at position ${waiting.position}: ${waiting.message}`, ...held];
}

function replicaLines({ replica_states: replicas }: DeploymentDetail): string[] {
  if (replicas.length === 0) return [];
  const made = table(
    ['replica', 'status', 'health', 'node', 'GPUs', 'ports', 'exit', 'why'],
    replicas.map((one) => [
      one.index,
      one.status,
      one.health ?? '-',
      one.node,
      one.gpu_devices.join(', ') || '-',
      one.ports.map(reachText).join(', ') || '-',
      one.exit_code,
      one.reason ?? (one.status === 'running' ? one.health_message : null) ?? '',
    ]),
  );
  return [made, ''];
}

/** "10.0.0.5:8080 -> 80", or "10.0.0.5:5353 -> 53/udp". */
function reachText({ address, host, container, protocol }: ReplicaPort): string {
  return `${address ?? '-'}:${host} -> ${container}${protocol === 'udp' ? '/udp' : ''}`;
}

function eventLines(events: readonly Event[]): string {
  return table(
    ['when', 'what', ''],
    events.map((event) => [event.created_at, event.type.replace('deployment.', ''), event.message]),
  );
}

export const addVerbs: AddCommand = (program) => {
  const verbs = [
    ['stop', 'stop what is starting or running', stopDeployment],
    ['cancel', 'withdraw a deployment, whether it waits or runs', cancelDeployment],
    ['retry', 'queue a finished deployment again', retryDeployment],
  ] as const;
  for (const [verb, description, request] of verbs) {
    program
      .command(verb)
      .description(description)
      .argument('<deployment...>')
      .action(async (names: string[], _options, command) => {
        const globals = options(command);
        const session = await openSession(globals);
        const changed: Deployment[] = [];
        for (const name of names) {
          const { id } = await findDeployment(session, name);
          changed.push(await call(session, request({ client: session.client, path: { id } })));
        }
        print(globals, changed.length === 1 ? changed[0] : { deployments: changed }, () =>
          changed.map(nowIs).join('\n'),
        );
      });
  }
  addDelete(program);
  addPriority(program);
};

const nowIs = (one: Deployment) => `${one.name} (${shortId(one.id)}) is ${one.status} now`;

const addDelete: AddCommand = (program) => {
  program
    .command('delete')
    .description('delete a deployment with its logs; one that runs is stopped first')
    .argument('<deployment...>')
    .action(async (names: string[], _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      for (const name of names) {
        const { id } = await findDeployment(session, name);
        const answer: unknown = await call(session, deleteDeployment({ client: session.client, path: { id } }));
        const stopping = typeof answer === 'object' && answer !== null && 'status' in answer;
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
