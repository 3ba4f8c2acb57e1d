import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { afterAll, stateOf } from '../../test/support/brute-force.ts';
import { EmptyCluster } from './capacity.ts';
import { explainWait } from './explain.ts';
import type { Holding, Node, Policy, QueuedDeployment, Request, Snapshot, Wait } from './model.ts';
import { Budget, Packer } from './pack.ts';
import { plan } from './plan.ts';
import { fits } from './resources.ts';
import { Room } from './room.ts';
import { shapeOf } from './shape.ts';
import { admittedOf, applied, hour, node, placedBy, queued, request } from './testing.ts';

const policy: Policy = { agingInterval: 0, reservationAfter: Number.MAX_SAFE_INTEGER, maxAdmissions: 500 };

const on = (machine: string, one: Node): Node => ({ ...one, machine });
const web = (id: string, of: Request, more: Partial<QueuedDeployment> = {}, hostPorts = ['tcp/80']) =>
  queued(id, { ...of, hostPorts }, more);
const small = request(1, 1);

const running = (deploymentId: string, nodeId: string, more: Partial<Holding> = {}): Holding => {
  const of = { resources: request(4, 4).perReplica, devices: [], endsBy: null, priority: 60, startedAt: 0 };
  return { deploymentId, nodeId, ...of, ...more };
};
const full = (one: Node): Node => ({ ...one, free: { ram: 0, cpu: 0, gpu: 0 } });

function decided(given: Partial<Snapshot> & Pick<Snapshot, 'nodes'>, with_: Partial<Policy> = {}, now = 0) {
  const snapshot: Snapshot = { queue: [], holdings: [], ...given };
  const result = plan(snapshot, { ...policy, ...with_ }, now);
  const waits = (id: string) => {
    const found = result.decisions.find((one) => one.deploymentId === id);
    return found?.kind === 'wait' ? found : undefined;
  };
  return { snapshot, result, admitted: admittedOf(result).toSorted(), waits };
}

describe('a fixed host port', () => {
  test('is had by one on a machine, also where several nodes stand for it, and whoever waits is told by whom', () => {
    const nodes = [on('m', node('a', 4, 4)), on('m', node('b', 4, 4))];
    const { admitted, waits } = decided({ nodes, queue: [web('first', small), web('second', small, { queuedAt: 1 })] });
    expect(admitted).toEqual(['first']);
    expect(waits('second')).toMatchObject({
      reason: 'port_taken',
      portTaken: { machine: 'm', port: 'tcp/80', deploymentId: 'first' },
    });
    const wait = waits('second') as Wait;
    const said = 'the host port 80 (tcp) that it needs is taken by ';
    expect(explainWait(wait, small, (id) => `the ${id}`)).toBe(`${said}the first`);
    expect(explainWait(wait, small, () => null)).toBe(`${said}a deployment of another organization`);
  });

  test('is another one over another protocol, and on another machine', () => {
    const nodes = [on('m', node('a', 4, 4)), node('b', 4, 4)];
    const queue = [web('tcp', small), web('udp', small, {}, ['udp/80']), web('elsewhere', small)];
    expect(decided({ nodes, queue }).admitted).toEqual(['elsewhere', 'tcp', 'udp']);
  });

  test('each replica has a machine to itself', () => {
    const nodes = [on('m', node('a', 4, 4)), on('m', node('b', 4, 4)), node('c', 4, 4)];
    const queue = [web('pair', request(1, 1, 0, 2)), web('three', request(1, 1, 0, 3))];
    const { snapshot, result, waits } = decided({ nodes, queue });
    const at = placedBy(result, snapshot).map(({ nodeId }) => nodeId);
    expect(at).toHaveLength(2);
    expect(at).toContain('c');
    expect(waits('three')?.reason).toBe('never_fits');
  });

  test('is waited for where a deployment of another cluster has it, and only there', () => {
    const nodes = [on('m', node('a', 4, 4)), node('b', 1, 1)];
    const foreignPorts = [{ machine: 'm', port: 'tcp/80', deploymentId: 'foreign' }];
    const queue = [web('large', request(2, 2)), web('little', small)];
    const { admitted, waits } = decided({ nodes, queue, foreignPorts });
    expect(admitted).toEqual(['little']);
    expect(waits('large')).toMatchObject({ reason: 'port_taken', portTaken: foreignPorts[0] });
    expect(decided({ nodes, queue }).admitted).toEqual(['large', 'little']);
  });

  test('comes free when who has it ends', () => {
    const nodes = [on('m', node('a', 4, 4)), on('m', node('b', 4, 4))];
    const { snapshot, result } = decided({ nodes, queue: [web('first', small), web('second', small)] });
    const after = applied(result, snapshot);
    expect(admittedOf(plan(after, policy, 0))).toEqual([]);
    expect(admittedOf(plan({ ...after, nodes, holdings: [] }, policy, 0))).toEqual(['second']);
  });

  test('is no reason to wait where room is short anyway', () => {
    const { waits } = decided({
      nodes: [node('a', 4, 4)],
      queue: [web('first', request(4, 4)), web('second', request(4, 4))],
    });
    expect(waits('second')?.reason).toBe('insufficient_resources');
  });

  test('an answer that gives it twice is none', () => {
    const here = { nodeId: 'a', resources: small.perReplica, devices: [], hostPorts: ['tcp/80'] };
    const [one, two] = [
      { replica: 0, ...here },
      { replica: 1, ...here },
    ];
    expect(fits(node('a', 4, 4), [one])).toBe(true);
    expect(fits(node('a', 4, 4), [one, two])).toBe(false);
    expect(fits({ ...node('a', 4, 4), takenPorts: ['tcp/80'] }, [one])).toBe(false);
    expect(fits({ ...node('a', 4, 4), takenPorts: ['udp/80'] }, [one])).toBe(true);
  });
});

describe('who goes where', () => {
  test('one that has a choice of machines leaves the other to one that has none', () => {
    // What is small could go to the first node; then what is large would find no port on that machine, and no room elsewhere.
    const nodes = [on('m', node('a', 2, 2)), on('m', node('b', 4, 4)), node('c', 2, 2)];
    const queue = [web('small', request(2, 2)), web('large', request(4, 4), { queuedAt: 1 })];
    expect(decided({ nodes, queue }).admitted).toEqual(['large', 'small']);
  });

  test('who waits too long for ports on several machines is not passed by who needs one of them', () => {
    const nodes = [node('a', 4, 4), node('b', 4, 4)];
    const job: Holding = {
      deploymentId: 'job',
      nodeId: 'a',
      resources: small.perReplica,
      devices: [],
      hostPorts: ['tcp/80'],
      endsBy: null,
    };
    const queue = [
      web('pair', request(1, 1, 0, 2), { queuedAt: 0 }),
      web('single', small, { queuedAt: 2 * hour, priority: 1 }),
      web('other port', small, { queuedAt: 2 * hour }, ['tcp/81']),
    ];
    const { admitted, waits } = decided({ nodes, holdings: [job], queue }, { reservationAfter: hour }, 2 * hour);
    expect(admitted).toEqual(['other port']);
    expect(waits('pair')).toMatchObject({ reason: 'port_taken', reservation: { deploymentId: 'pair' } });
    expect(waits('single')?.reason).toBe('held_by_reservation');
  });

  test('with a time limit it is known when the port comes free, whatever node of the machine has it', () => {
    const nodes = [on('m', node('a', 4, 4)), on('m', node('b', 4, 4))];
    const job: Holding = {
      deploymentId: 'job',
      nodeId: 'b',
      resources: request(4, 4).perReplica,
      devices: [],
      hostPorts: ['tcp/80'],
      endsBy: 3 * hour,
    };
    const busy = nodes.map((one) => (one.id === 'b' ? full(one) : one));
    const queue = [web('web', request(1, 1), { queuedAt: 0 })];
    const { result } = decided({ nodes: busy, holdings: [job], queue }, { reservationAfter: hour }, 2 * hour);
    expect(result.reservations).toMatchObject([{ deploymentId: 'web', startsAt: 3 * hour }]);
  });

  test('who has a port that somebody more important needs is stopped, also where it stands on another node of the machine', () => {
    const nodes = [on('m', node('a', 4, 4)), { ...on('m', node('b', 4, 4)), free: { ram: 0, cpu: 0, gpu: 0 } }];
    const low: Holding = {
      deploymentId: 'low',
      nodeId: 'b',
      resources: request(4, 4).perReplica,
      devices: [],
      hostPorts: ['tcp/80'],
      endsBy: null,
      priority: 60,
      startedAt: 0,
    };
    const queue = [web('urgent', request(2, 2), { priority: 10 })];
    const { result } = decided({ nodes, holdings: [low], queue }, { preemption: { minRunTime: 0 } }, hour);
    expect(result.decisions).toMatchObject([
      { kind: 'preempt', deploymentId: 'urgent', receipt: { victims: [{ deploymentId: 'low' }] } },
    ]);
  });
});

describe('who is stopped for a port', () => {
  test('who has the port and who has the room, on two nodes of the machine', () => {
    const nodes = [full(on('m', node('a', 4, 4))), full(on('m', node('b', 1, 1)))];
    const holdings = [
      running('room', 'a'),
      running('port', 'b', { resources: small.perReplica, hostPorts: ['tcp/80'] }),
    ];
    const queue = [web('urgent', request(4, 4), { priority: 10 })];
    const { result } = decided({ nodes, holdings, queue }, { preemption: { minRunTime: 0 } }, hour);
    const [decision] = result.decisions;
    expect(decision?.kind).toBe('preempt');
    const victims =
      decision?.kind === 'preempt' ? decision.receipt.victims.map(({ deploymentId }) => deploymentId) : [];
    expect(victims.toSorted()).toEqual(['port', 'room']);
  });

  test('nobody, where a deployment of another cluster has it', () => {
    const nodes = [full(on('m', node('a', 4, 4)))];
    const foreignPorts = [{ machine: 'm', port: 'tcp/80', deploymentId: 'foreign' }];
    const given = { nodes, holdings: [running('low', 'a')], queue: [web('urgent', small, { priority: 10 })] };
    const { result } = decided({ ...given, foreignPorts }, { preemption: { minRunTime: 0 } }, hour);
    expect(result.decisions).toMatchObject([{ kind: 'wait', deploymentId: 'urgent' }]);
  });
});

describe('packing', () => {
  const nodes = fc
    .array(fc.record({ ram: fc.integer({ min: 1, max: 6 }), machine: fc.constantFrom('m', 'm', 'n', undefined) }), {
      minLength: 2,
      maxLength: 4,
    })
    .map((all) => all.map(({ ram, machine }, i): Node => ({ ...node(`n${i}`, ram, 8), ...(machine && { machine }) })));
  const kinds = fc.array(
    fc.record({
      ram: fc.integer({ min: 1, max: 4 }),
      replicas: fc.constantFrom(1, 1, 2),
      hostPorts: fc.constantFrom([], ['tcp/80'], ['tcp/81'], ['tcp/80', 'tcp/81']),
      count: fc.integer({ min: 1, max: 2 }),
    }),
    { minLength: 2, maxLength: 4 },
  );

  test('finds a place for all wherever there is one, by trying everything', () => {
    let fitting = 0;
    fc.assert(
      fc.property(nodes, kinds, (there, of) => {
        const requests = of.map(({ ram, replicas, hostPorts }) => ({ ...request(ram, 1, 0, replicas), hostPorts }));
        const shapes = requests.map((one) => ({ shape: shapeOf(one), asker: 'free' as const }));
        const all = of.flatMap(({ count }, i) => Array.from({ length: count }, () => requests[i] as Request));
        let states = [stateOf(there)];
        for (const one of all) {
          const next = states.flatMap((state) => afterAll(state, there, queued('', one)));
          states = [...new Map(next.map((state) => [JSON.stringify(state), state])).values()];
        }
        const packer = new Packer(new Room(there), shapes, new Budget(1_000_000));
        const packed = packer.pack(of.map(({ count }) => count));
        expect(packed !== null).toBe(states.length > 0);
        if (packed !== null) fitting++;
      }),
      { numRuns: 3000 },
    );
    expect(fitting).toBeGreaterThan(200);
  });
});

describe('an empty cluster', () => {
  const cluster = new EmptyCluster([
    on('m', node('a', 4, 4)),
    on('m', node('b', 4, 4)),
    node('c', 4, 4),
    node('d', 1, 1),
  ]);

  test('holds no more replicas with a host port than it has machines for', () => {
    const asked = (ram: number, replicas: number) =>
      cluster.verdict({ ...request(ram, 1, 0, replicas), hostPorts: ['tcp/80'] });
    expect(asked(1, 3)).toBeNull();
    expect(asked(1, 4)).toEqual({ dimension: 'host_ports', requested: 4, most: 3 });
    expect(asked(2, 3)).toEqual({ dimension: 'host_ports', requested: 3, most: 2 });
    expect(asked(8, 1)).toMatchObject({ dimension: 'ram' });
    expect(cluster.verdict(request(1, 1, 0, 4))).toBeNull();
  });
});
