/** Nothing starves: simulated minute by minute, with the planner as it is. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Holding, Node, QueuedDeployment, Request } from './model.ts';
import { plan } from './plan.ts';
import { amounts, node, occupied, placedBy, queued, request } from './testing.ts';

const minute = 60_000;
const longestRun = 10;
const policy = { agingInterval: 0, reservationAfter: 20 * minute, maxAdmissions: 500 };

interface Stream {
  /** New ones in each minute. */
  readonly perMinute: number;
  readonly requests: readonly Request[];
  /** Minutes that each of them runs, in turn. */
  readonly runs: readonly number[];
  readonly hasLimits: boolean;
}

/**
 * The minute in which `big` starts, under an endless stream of others with a higher priority, more than can ever be served;
 * null where it does not within so many minutes. When it arrives the stream has filled the cluster already. (Whoever of the
 * stream were still waiting by then would be older, and rightly go first: the bound would have to count them.)
 */
function startOf(big: Request, nodes: readonly Node[], stream: Stream, minutes: number): number | null {
  let number = 0;
  const arriving = (count: number, now: number) =>
    Array.from({ length: count }, () => {
      const of = stream.requests[number % stream.requests.length] as Request;
      const timeLimit = stream.hasLimits ? longestRun * minute : null;
      return queued(`s${number++}`, of, { priority: 1, queuedAt: now * minute, timeLimit });
    });
  let running: (Holding & { readonly until: number })[] = [];
  const pass = (queue: readonly QueuedDeployment[], now: number) => {
    running = running.filter(({ until }) => until > now);
    const snapshot = { nodes: occupied(nodes, running), queue, holdings: running };
    const placed = placedBy(plan(snapshot, policy, now * minute), snapshot, now * minute);
    running.push(...placed.map((holding) => ({ ...holding, until: now + runOf(stream, holding.deploymentId) })));
    return new Set(placed.map(({ deploymentId }) => deploymentId));
  };
  pass(arriving(40, 0), 0);
  let queue = [queued('big', big, { priority: 100, queuedAt: 0 })];
  for (let now = 0; now < minutes; now++) {
    queue.push(...arriving(stream.perMinute, now));
    const started = pass(queue, now);
    if (started.has('big')) return now;
    queue = queue.filter(({ id }) => !started.has(id));
  }
  return null;
}

function runOf(stream: Stream, id: string): number {
  return stream.runs[Number(id.slice(1)) % stream.runs.length] ?? 0;
}

const streams = fc.record({
  perMinute: fc.integer({ min: 1, max: 6 }),
  runs: fc.array(fc.integer({ min: 1, max: longestRun }), { minLength: 1, maxLength: 7 }),
  hasLimits: fc.boolean(),
});
/** Overdue after minute 20; by minute 31 all that ran has ended, and nothing that it needs was taken. */
const bound = 20 + 1 + longestRun + 1;
/** With several nodes, room is kept where it comes nearest, and that may become another node on the way, each time a nearer one. */
const boundOfSeveral = bound + 2 * longestRun;

describe('nothing starves under an endless stream of smaller, higher-priority deployments', () => {
  test('on one node', () => {
    const small = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(streams, small, fc.integer({ min: 5, max: 16 }), (stream, sizes, ram) => {
        const requests = sizes.map(([ofRam, ofCpu]) => request(ofRam, ofCpu));
        expect(startOf(request(ram, 4), [node('a', 16, 8)], { ...stream, requests }, bound)).not.toBeNull();
      }),
      { numRuns: 100 },
    );
  });

  test('on several nodes, as a gang', () => {
    fc.assert(
      fc.property(streams, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 }), (stream, ram, replicas) => {
        const requests = [request(ram, 1), request(1, 1)];
        const nodes = [node('a', 8, 8), node('b', 8, 8), node('c', 12, 8)];
        expect(startOf(request(8, 2, 0, replicas), nodes, { ...stream, requests }, boundOfSeveral)).not.toBeNull();
      }),
      { numRuns: 100 },
    );
  });

  test('for whole GPUs, among shares of them', () => {
    fc.assert(
      fc.property(streams, fc.constantFrom(0.2, 0.5, 0.7), fc.integer({ min: 2, max: 4 }), (stream, share, gpus) => {
        const requests = [request(1, 1, share), request(1, 1, 0.1)];
        expect(startOf(request(1, 1, gpus), [node('a', 64, 64, 4)], { ...stream, requests }, bound)).not.toBeNull();
      }),
      { numRuns: 100 },
    );
  });

  test('without reservations it would wait for ever: the stream is what it should be', () => {
    const stream = { perMinute: 6, runs: [3, 7, 10], hasLimits: false, requests: [request(2, 1), request(1, 1)] };
    const never = { ...policy, reservationAfter: Number.MAX_SAFE_INTEGER };
    const holdings: Holding[] = [
      { deploymentId: 'h', nodeId: 'a', resources: amounts(1, 1), devices: [], endsBy: null },
    ];
    const queue = [
      queued('big', request(16, 1)),
      ...Array.from({ length: 6 }, (_, i) => queued(`s${i}`, request(2, 1), { priority: 1 })),
    ];
    const result = plan({ nodes: occupied([node('a', 16, 8)], holdings), queue, holdings }, never, 1000 * minute);
    expect(result.decisions.filter(({ kind }) => kind === 'place')).toHaveLength(6);
    expect(startOf(request(16, 4), [node('a', 16, 8)], stream, 20)).toBeNull();
  });
});
