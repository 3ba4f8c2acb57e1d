/** One frame of the live view: what the cluster gives away, what runs, what waits and why, what happened last. */
import type { Cluster, Deployment, Event, QueueEntry } from './client.ts';
import type { Sight } from './observe.ts';
import { column, lineOf, type Piece, piece, type Style, seconds } from './text.ts';

const labelWidth = 13;
const barWidth = 34;
const runningRows = 5;
const queueRows = 5;

/** At most `rows` lines of at most `columns` characters. `beganAt` and `now` are milliseconds since the epoch. */
export function frame(sight: Sight, time: { beganAt: number; now: number }, size: { rows: number; columns: number }) {
  const running = [...sight.deployments.values()].filter((one) =>
    ['starting', 'running', 'stopping'].includes(one.status),
  );
  const head: Piece[][] = [
    [
      piece(' Hypervisor', 'bold'),
      piece(` · cluster ${sight.cluster.name} · ${seconds(time.now - time.beganAt)} s · Ctrl-C ends it`),
    ],
    ...bars(sight.cluster),
    [],
    heading('RUNNING', column('prio', 7) + column('RAM', 7) + column('cores', 7) + column('GPU', 5) + 'status'),
    ...upTo(runningRows, running, (one) => runningLine(one, time.now)),
    heading('WAITING', `${column('prio', 7)}${column('for', 7)}why`),
    ...upTo(queueRows, sight.queue, (entry) => waitingLine(entry, time.now)),
    heading('LATELY', ''),
  ];
  const names = new Map([...sight.deployments.values()].map((one) => [one.id, one.name]));
  const room = Math.max(0, size.rows - head.length);
  const lately = room === 0 ? [] : sight.events.slice(-room).map((event) => eventLine(event, names, time.beganAt));
  return [...head, ...lately].slice(0, size.rows).map((line) => lineOf(line, size.columns));
}

function heading(title: string, columns: string): Piece[] {
  return [piece(` ${column(title, labelWidth)}`, 'bold'), piece(columns, 'dim')];
}

function bars(cluster: Cluster): Piece[][] {
  const { total, allocated } = cluster.resources;
  return [
    bar('RAM', allocated.ram, total.ram, 'GB'),
    bar('CPU', allocated.cpu, total.cpu, 'cores'),
    bar('GPU', allocated.gpu, total.gpu, 'devices'),
  ];
}

function bar(label: string, used: number, total: number, unit: string): Piece[] {
  const filled = total === 0 ? 0 : Math.round((used / total) * barWidth);
  return [
    piece(` ${column(label, 5)}`, 'bold'),
    piece('█'.repeat(filled), filled === barWidth ? 'note' : 'busy'),
    piece('░'.repeat(barWidth - filled), 'dim'),
    piece(`  ${used} of ${total} ${unit}`),
  ];
}

/** A fixed number of lines, so that nothing below jumps up and down. What does not fit is counted in the last. */
function upTo<T>(rows: number, items: readonly T[], line: (item: T) => Piece[]): Piece[][] {
  const fits = items.length <= rows;
  const shown = items.slice(0, fits ? rows : rows - 1).map(line);
  if (!fits) shown.push([piece(`   and ${items.length - rows + 1} more`, 'dim')]);
  return [...shown, ...Array.from({ length: rows - shown.length }, () => [])];
}

function runningLine(one: Deployment, now: number): Piece[] {
  const since = one.started_at === null ? '' : `, ${seconds(Math.max(0, now - Date.parse(one.started_at)))} s`;
  return [
    piece(`   ${column(one.name, labelWidth - 2)}`),
    piece(
      column(String(one.priority), 7) +
        column(String(one.ram_required), 7) +
        column(String(one.cpu_required), 7) +
        column(String(one.gpu_required), 5),
    ),
    piece(`${one.kind} ${one.status}${since}`, one.status === 'running' ? 'good' : 'note'),
  ];
}

function waitingLine(entry: QueueEntry, now: number): Piece[] {
  const aged = entry.effective_priority !== entry.priority;
  const priority = aged ? `${entry.priority}→${entry.effective_priority}` : String(entry.priority);
  return [
    piece(`   ${column(entry.name, labelWidth - 2)}`),
    piece(column(priority, 7), aged ? 'note' : 'plain'),
    piece(column(`${seconds(Math.max(0, now - Date.parse(entry.queued_at)))} s`, 7), 'dim'),
    piece(whyWaiting(entry)),
  ];
}

/** Short enough for a narrow terminal; the API also says it in a sentence. */
function whyWaiting({ reason, shortfall }: QueueEntry): string {
  const lacks = [
    ...(shortfall.ram > 0 ? [`${shortfall.ram} GB`] : []),
    ...(shortfall.cpu > 0 ? [`${shortfall.cpu} cores`] : []),
    ...(shortfall.gpu > 0 ? [`${shortfall.gpu} GPU`] : []),
  ];
  const words = reason.replaceAll('_', ' ');
  return lacks.length === 0 ? words : `${words}: ${lacks.join(', ')} short`;
}

const styleOf: Readonly<Record<string, Style>> = {
  'deployment.started': 'good',
  'deployment.succeeded': 'good',
  'deployment.failed': 'bad',
  'deployment.cancelled': 'bad',
  'deployment.promoted': 'note',
};

/** Also what is printed where there is no terminal. */
export function eventLine(event: Event, names: ReadonlyMap<string, string>, beganAt: number): Piece[] {
  const subject = event.deployment_id === null ? 'cluster' : (names.get(event.deployment_id) ?? '');
  const what = event.type.replace(/^[a-z_]+\./, '');
  return [
    piece(` ${column(seconds(Date.parse(event.created_at) - beganAt), 6, 'right')}  `, 'dim'),
    piece(column(subject, 12)),
    piece(column(what, 11), styleOf[event.type] ?? 'dim'),
    piece(event.message),
  ];
}
