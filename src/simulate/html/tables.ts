/** The tables of the page: what text shows, too. */
import type { Verdict } from '../check.ts';
import type { Group } from '../measures.ts';
import type { Report, RunReport } from '../report.ts';
import { count, factor, seconds } from '../text/format.ts';
import { bestOf, summaryLines } from '../text/summary.ts';

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

export function tables(report: Report, verdicts: readonly Verdict[]): string {
  return [heading(report), checks(verdicts), summary(report), ...report.runs.map((run) => groups(run, report))]
    .filter((part) => part !== '')
    .join('\n');
}

function heading({ trace: { name, deployments, nodes, capacity, notes } }: Report): string {
  const cluster = `${count(nodes)} node${nodes === 1 ? '' : 's'}: ${count(capacity.ram)} GB, ${count(capacity.cpu)} cores, ${count(capacity.gpu)} GPUs`;
  const list = notes.map((note) => `<li>${escaped(note)}</li>`).join('');
  return `<h1>${escaped(name)}</h1>
<p>${count(deployments)} deployments, replayed on ${cluster}.</p>${list === '' ? '' : `<ul>${list}</ul>`}`;
}

function checks(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return '';
  const rows = verdicts.map(({ passed, policy, name, expected, actual }) => [
    { text: passed ? '✓' : '✗', mark: passed ? 'best' : 'failed' },
    { text: policy },
    { text: name },
    { text: expected },
    { text: actual ?? '-' },
  ]);
  return `<h2>Expectations</h2>${table(['', 'policy', 'name', 'expected', 'actual'], rows)}`;
}

function summary({ runs, trace: { recorded } }: Report): string {
  const rows = summaryLines(runs).map((line) => {
    const best = bestOf(line, runs);
    return [
      { text: line.name },
      ...runs.map((run, i) => ({ text: line.text(run), mark: best.has(i) ? 'best' : '' })),
      ...(recorded === null ? [] : [{ text: line.recorded?.(recorded) ?? '' }]),
    ];
  });
  const head = ['', ...runs.map(({ policy }) => policy.name), ...(recorded === null ? [] : ['as recorded'])];
  return `<h2>Summary</h2>${table(head, rows)}`;
}

const groupHead = ['deployments', 'wait mean', 'p50', 'p90', 'p99', 'max', 'slowdown mean', 'p99'];
/** The others are in the JSON. */
const mostUsers = 20;

function groups(run: RunReport, { runs }: Report): string {
  const of = runs.length === 1 ? '' : ` (${escaped(run.policy.name)})`;
  const priorities = run.by_priority.map((group) => [{ text: String(group.priority) }, ...cells(group)]);
  const users = run.by_user.slice(0, mostUsers).map((group) => [{ text: group.user ?? '(nobody)' }, ...cells(group)]);
  return [
    priorities.length < 2 ? '' : `<h2>By priority${of}</h2>${table(['priority', ...groupHead], priorities)}`,
    users.length < 2 ? '' : `<h2>By user${of}</h2>${table(['user', ...groupHead], users)}`,
  ].join('\n');
}

function cells({ deployments, wait_s: wait, bounded_slowdown: slowdown }: Group): Cell[] {
  const texts = [
    count(deployments),
    ...[wait.mean, wait.p50, wait.p90, wait.p99, wait.max].map(seconds),
    factor(slowdown.mean),
    factor(slowdown.p99),
  ];
  return texts.map((text) => ({ text }));
}

interface Cell {
  readonly text: string;
  /** A class of page.css. */
  readonly mark?: string;
}

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const headRow = head.map((title) => `<th scope="col">${escaped(title)}</th>`).join('');
  const body = rows
    .map(
      (row) =>
        `<tr>${row.map(({ text, mark = '' }) => `<td${mark === '' ? '' : ` class="${mark}"`}>${escaped(text)}</td>`).join('')}</tr>`,
    )
    .join('\n');
  return `<div class="wide"><table><thead><tr>${headRow}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}
