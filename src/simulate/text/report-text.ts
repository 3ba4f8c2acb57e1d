/** A report as text for a terminal. */
import pc from 'picocolors';
import { table } from '../../cli/output.ts';
import type { Group } from '../measures.ts';
import type { Report, RunReport } from '../report.ts';
import { count, factor, percent, seconds } from './format.ts';
import { bestOf, summaryLines } from './summary.ts';

/** Users beyond these are only counted: the JSON has them all. */
const mostUsers = 10;

export function reportText(report: Report): string {
  const [only, ...others] = report.runs;
  const parts = [heading(report), summary(report)];
  if (only !== undefined && others.length === 0) parts.push(byPriority(only), byUser(only));
  else parts.push(priorities(report.runs));
  return parts.filter((part) => part !== '').join('\n\n');
}

function heading({ trace: { name, deployments, nodes, capacity, notes } }: Report): string {
  const has = [
    ...(capacity.ram > 0 ? [`${count(capacity.ram)} GB`] : []),
    `${count(capacity.cpu)} cores`,
    ...(capacity.gpu > 0 ? [`${count(capacity.gpu)} GPUs`] : []),
  ];
  const cluster = `${count(nodes)} ${nodes === 1 ? 'node' : 'nodes'} (${has.join(', ')})`;
  const title = `${pc.bold(name)}: ${count(deployments)} deployments on ${cluster}`;
  return [title, ...notes.map((note) => pc.dim(note))].join('\n');
}

function summary({ runs, trace: { recorded } }: Report): string {
  const rows = summaryLines(runs).map((line) => {
    const best = bestOf(line, runs);
    const cells = runs.map((run, i) => (best.has(i) ? pc.bold(pc.green(`${line.text(run)} *`)) : line.text(run)));
    return [line.name, ...cells, ...(recorded === null ? [] : [line.recorded?.(recorded) ?? ''])];
  });
  const head = ['', ...runs.map(({ policy }) => policy.name), ...(recorded === null ? [] : ['as recorded'])];
  const legend = summaryLines(runs).some((line) => bestOf(line, runs).size > 0)
    ? `\n\n${pc.dim('* the best of them')}`
    : '';
  return `${table(head, rows)}${legend}`;
}

const groupHead = ['deployments', 'wait mean', 'p50', 'p90', 'p99', 'max', 'slowdown mean', 'p99'];

function groupCells({ deployments, wait_s: wait, bounded_slowdown: slowdown }: Group): string[] {
  return [
    count(deployments),
    seconds(wait.mean),
    seconds(wait.p50),
    seconds(wait.p90),
    seconds(wait.p99),
    seconds(wait.max),
    factor(slowdown.mean),
    factor(slowdown.p99),
  ];
}

function byPriority({ by_priority: groups }: RunReport): string {
  if (groups.length < 2) return '';
  return table(
    ['priority', ...groupHead],
    groups.map((group) => [group.priority, ...groupCells(group)]),
  );
}

function byUser({ by_user: groups, overall }: RunReport): string {
  if (groups.length < 2) return '';
  const shown = groups.slice(0, mostUsers);
  const total = overall.gpu_hours > 0 ? overall.gpu_hours : overall.cpu_hours;
  const text = table(
    ['user', ...groupHead, overall.gpu_hours > 0 ? 'of GPU hours' : 'of core hours'],
    shown.map((group) => [
      group.user ?? '(nobody)',
      ...groupCells(group),
      percent(total === 0 ? null : (overall.gpu_hours > 0 ? group.gpu_hours : group.cpu_hours) / total),
    ]),
  );
  const more = groups.length - shown.length;
  return more > 0 ? `${text}\n${pc.dim(`… and ${count(more)} more users (--json has them all)`)}` : text;
}

/** Of several runs: what each priority waits under each policy. */
function priorities(runs: readonly RunReport[]): string {
  const all = [...new Set(runs.flatMap((run) => run.by_priority.map(({ priority }) => priority)))];
  if (all.length < 2) return '';
  return table(
    ['wait of priority, mean / p99', ...runs.map(({ policy }) => policy.name)],
    all.toSorted((a, b) => a - b).map((priority) => [priority, ...runs.map((run) => waitOfPriority(run, priority))]),
  );
}

/** Mean and p99; "-" where nobody has the priority. */
function waitOfPriority({ by_priority: groups }: RunReport, priority: number): string {
  const group = groups.find((one) => one.priority === priority);
  return group === undefined ? '-' : `${seconds(group.wait_s.mean)} / ${seconds(group.wait_s.p99)}`;
}
