/** What `hv plan`, `hv apply` and `hv diff` say, in colors and words. */
import pc from 'picocolors';
import type { Comparison, DiffResult, PlanResult } from '../../sdk/index.ts';
import { status as colored } from '../output.ts';

type Change = Comparison['changes'][number];
type Planned = PlanResult['deployments'][number];

const marks: Record<Comparison['action'], string> = {
  create: pc.green('+'),
  update: pc.yellow('~'),
  replace: pc.yellow('±'),
  unchanged: pc.dim('='),
  conflict: pc.red('!'),
  prune: pc.red('-'),
};

const verbs: Record<Comparison['action'], string> = {
  create: 'is new',
  update: 'changes in its place',
  replace: 'is replaced',
  unchanged: 'stays as it is',
  conflict: 'can not be applied',
  prune: 'is taken away',
};

/** So many characters of a value are shown. */
const valueMax = 200;

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= valueMax ? text : `${text.slice(0, valueMax)}… (${text.length} characters)`;
}

export function changeLines(changes: readonly Change[]): string[] {
  return changes.flatMap(({ field, from, to }) => [
    ...(from === undefined ? [] : [pc.red(`    - ${field}: ${valueText(from)}`)]),
    ...(to === undefined ? [] : [pc.green(`    + ${field}: ${valueText(to)}`)]),
  ]);
}

function headOf({ action, name, message, status }: Comparison): string {
  if (action === 'unchanged')
    return `${marks[action]} ${name} ${pc.dim(`stays: it is ${colored(status ?? '')}, as declared`)}`;
  return `${marks[action]} ${pc.bold(name)} ${verbs[action]}: ${message}`;
}

export function diffText({ differs, deployments }: DiffResult): string {
  if (!differs) return 'Nothing differs.';
  const shown = deployments.filter(({ action }) => action !== 'unchanged');
  return shown.map((one) => [headOf(one), ...changeLines(one.changes)].join('\n')).join('\n');
}

export function planText({ deployments }: PlanResult): string {
  const blocks = deployments.map((one) => [headOf(one), ...changeLines(one.changes), ...standingLines(one)].join('\n'));
  return `${blocks.join('\n')}\n\n${summaryOf(deployments)}`;
}

function standingLines({ errors, standing }: Planned): string[] {
  if (errors.length > 0) {
    return errors.map(({ field, message }) =>
      pc.red(`    it would be refused: ${field.replace(/^deployments\.\d+\./, '')} ${message}`),
    );
  }
  if (standing === null) return [];
  const { decision, message, position, reservation, stops } = standing;
  const color = { place: pc.green, preempt: pc.yellow, wait: pc.yellow }[decision];
  const lines = [
    color(`    ${decision === 'wait' ? `it waits at position ${position}: ` : ''}${message}`),
    ...placementLines(standing),
  ];
  if (stops.length > 0) lines.push(`    to be stopped: ${stops.map(({ name }) => name).join(', ')}`);
  if (reservation !== null) {
    const at = reservation.starts_at === null ? '' : `, and starts by ${reservation.starts_at} at the latest`;
    lines.push(`    room is kept for it on ${reservation.nodes.join(', ')}${at}`);
  }
  return lines;
}

/** The devices of each replica, where it gets any. */
function placementLines({ placements }: NonNullable<Planned['standing']>): string[] {
  return placements
    .filter(({ gpu_devices }) => gpu_devices.length > 0)
    .map(({ replica, node, gpu_devices }) =>
      pc.dim(`    replica ${replica} on ${node}: GPU ${gpu_devices.join(', ')}`),
    );
}

function summaryOf(deployments: readonly Planned[]): string {
  const count = (is: (one: Planned) => boolean) => deployments.filter(is).length;
  const counts: [number, string][] = [
    [count(({ standing }) => standing?.starts_now === true), 'start now'],
    [count(({ standing }) => standing?.decision === 'preempt'), 'have others stopped first'],
    [count(({ standing }) => standing?.decision === 'wait'), 'wait'],
    [count(({ errors }) => errors.length > 0), 'would be refused'],
    [count(({ action }) => action === 'conflict'), 'can not be applied'],
    [
      count(({ action, errors, standing }) => action === 'update' && standing === null && errors.length === 0),
      'are changed while they run',
    ],
    [count(({ action, standing }) => action === 'unchanged' && standing === null), 'stay as they are'],
    [count(({ action }) => action === 'prune'), 'are taken away'],
  ];
  const said = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return `${deployments.length} in all: ${said.join(', ')}. Nothing was changed.`;
}
