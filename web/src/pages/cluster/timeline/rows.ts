import type { Status, Timeline } from '../../../../../src/sdk/types.gen.ts';

type TimelineRun = Timeline['runs'][number];

/** A run, or room that is kept for one, in its place on the page. Times are milliseconds. */
export interface Bar {
  readonly key: string;
  readonly deploymentId: string;
  readonly name: string;
  readonly kind: 'run' | 'reservation';
  readonly status: Status;
  readonly about: string;
  readonly from: number;
  /** Null: nobody knows yet. */
  readonly to: number | null;
  /** Of what runs: when its time limit ends it. */
  readonly expected: number | null;
  /** Those that overlap lie below each other. */
  readonly lane: number;
}

export interface Row {
  readonly id: string;
  readonly label: string;
  /** A deployment has a page of its own. */
  readonly deploymentId: string | null;
  readonly lanes: number;
  readonly bars: readonly Bar[];
}

type LooseBar = Omit<Bar, 'lane'> & { readonly row: string; readonly label: string };

/** A row for each node, or for each deployment, in the order of names; deployments in the order in which they began. */
export function rowsOf(timeline: Timeline, by: 'nodes' | 'deployments'): readonly Row[] {
  const loose = [
    ...timeline.runs.map((run) => ofRun(run, by)),
    ...timeline.reservations.flatMap((one) => ofReservation(one, by)),
  ];
  const groups = new Map<string, LooseBar[]>();
  for (const bar of loose) groups.set(bar.row, [...(groups.get(bar.row) ?? []), bar]);
  const rows = [...groups].map(([id, bars]): Row => {
    const placed = inLanes(bars);
    return {
      id,
      label: bars[0]?.label ?? id,
      deploymentId: by === 'deployments' ? id : null,
      lanes: placed.reduce((most, { lane }) => Math.max(most, lane + 1), 1),
      bars: placed,
    };
  });
  return by === 'nodes'
    ? rows.toSorted((a, b) => a.label.localeCompare(b.label, undefined, { numeric: true }))
    : rows.toSorted((a, b) => (a.bars[0]?.from ?? 0) - (b.bars[0]?.from ?? 0));
}

function ofRun(run: TimelineRun, by: 'nodes' | 'deployments'): LooseBar {
  const replica = run.replica > 0 ? `, replica ${run.replica}` : '';
  const attempt = run.attempt > 1 ? `, attempt ${run.attempt}` : '';
  return {
    key: `${run.deployment_id} ${run.attempt} ${run.replica} ${run.started_at}`,
    deploymentId: run.deployment_id,
    name: run.name,
    kind: 'run',
    status: run.status,
    about: `on ${run.node}${replica}${attempt}`,
    from: Date.parse(run.started_at),
    to: run.ended_at === null ? null : Date.parse(run.ended_at),
    expected: run.expected_end_at === null ? null : Date.parse(run.expected_end_at),
    row: by === 'nodes' ? run.node : run.deployment_id,
    label: by === 'nodes' ? run.node : run.name,
  };
}

/** Where nobody knows when it starts, there is nothing to draw. */
function ofReservation(
  { deployment_id: id, name, nodes, starts_at: starts, position }: Timeline['reservations'][number],
  by: 'nodes' | 'deployments',
): LooseBar[] {
  if (starts === null) return [];
  const places = by === 'nodes' ? nodes : nodes.slice(0, 1);
  return places.map((node) => ({
    key: `${id} ${node} kept`,
    deploymentId: id,
    name,
    kind: 'reservation',
    status: 'queued',
    about: `number ${position} in the queue, room is kept on ${nodes.join(', ')}`,
    from: Date.parse(starts),
    to: null,
    expected: null,
    row: by === 'nodes' ? node : id,
    label: by === 'nodes' ? node : name,
  }));
}

/** Each into the first lane that is free by then. */
function inLanes(bars: readonly LooseBar[]): Bar[] {
  const freeFrom: number[] = [];
  return bars
    .toSorted((a, b) => a.from - b.from || a.key.localeCompare(b.key))
    .map(({ row: _row, label: _label, ...bar }) => {
      const free = freeFrom.findIndex((end) => end <= bar.from);
      const lane = free === -1 ? freeFrom.length : free;
      freeFrom[lane] = bar.to ?? bar.expected ?? Number.POSITIVE_INFINITY;
      return { ...bar, lane };
    });
}
