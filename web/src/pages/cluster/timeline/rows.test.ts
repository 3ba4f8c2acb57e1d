import { describe, expect, it } from 'vitest';
import type { Timeline } from '../../../../../src/sdk/types.gen.ts';

type TimelineRun = Timeline['runs'][number];

import { rowsOf } from './rows.ts';

function run(id: string, node: string, from: string, to: string | null): TimelineRun {
  return {
    deployment_id: id,
    name: `job-${id}`,
    status: to === null ? 'running' : 'succeeded',
    attempt: 1,
    replica: 0,
    node_id: node,
    node,
    started_at: `2026-05-04T${from}:00Z`,
    ended_at: to === null ? null : `2026-05-04T${to}:00Z`,
    expected_end_at: null,
  };
}

const timeline: Timeline = {
  runs: [run('a', 'gpu-10', '10:00', '11:00'), run('b', 'gpu-2', '10:00', '10:30'), run('c', 'gpu-2', '10:20', null)],
  reservations: [
    { deployment_id: 'd', name: 'job-d', nodes: ['gpu-2', 'gpu-10'], starts_at: '2026-05-04T11:00:00Z', position: 1 },
    { deployment_id: 'e', name: 'job-e', nodes: ['gpu-2'], starts_at: null, position: 2 },
  ],
  truncated: false,
};

describe('the rows of the timeline', () => {
  it('are nodes as people count them, with what overlaps below each other', () => {
    const rows = rowsOf(timeline, 'nodes');
    expect(rows.map(({ label, lanes }) => [label, lanes])).toEqual([
      ['gpu-2', 2],
      ['gpu-10', 1],
    ]);
    // The first lane is free again; the second is not, as nobody knows when c ends.
    expect(rows[0]?.bars.map(({ name, lane }) => [name, lane])).toEqual([
      ['job-b', 0],
      ['job-c', 1],
      ['job-d', 0],
    ]);
  });

  it('are deployments as they began, each once, without those whose start nobody knows', () => {
    const rows = rowsOf(timeline, 'deployments');
    expect(rows.map(({ deploymentId, bars }) => [deploymentId, bars.length])).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 1],
      ['d', 1],
    ]);
  });
});
