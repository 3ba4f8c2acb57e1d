/** A control plane that decides nothing: everything waits. It writes down what it was asked. */
import type { ControlPlane, CurrentPlan } from '../../src/control/control-plane.ts';
import type { Decision } from '../../src/core/model.ts';
import { type ContainerKey, type LogLine, type Runtime, RuntimeError } from '../../src/runtimes/runtime.ts';
import type { Database } from '../../src/store/database.ts';
import { readSnapshot } from '../../src/store/snapshot.ts';

export interface FakeControl extends ControlPlane {
  readonly woken: string[];
  readonly stopped: { id: string; attempt: number }[];
  readonly runtime: FakeRuntime;
  /** The plan stays as it is until `undefined` is set again. */
  frozen: CurrentPlan | undefined;
  /** Set once the database is there. */
  db: Database | undefined;
}

/** Containers are log lines under a deployment's id; a container that is open still writes. */
export interface FakeRuntime extends Pick<Runtime, 'kind' | 'inspect' | 'logs' | 'volumeSizes'> {
  readonly containers: Map<string, { lines: LogLine[]; open: boolean }>;
  reachable: boolean;
}

export function fakeControl(): FakeControl {
  const listeners = new Set<() => void>();
  const runtime = fakeRuntime();
  const control: FakeControl = {
    woken: [],
    stopped: [],
    runtime,
    frozen: undefined,
    db: undefined,
    wake(clusterId) {
      control.woken.push(clusterId);
      for (const listener of listeners) listener();
    },
    settle: () => undefined,
    runSchedule: () => Promise.resolve(null),
    stopSoon: (deployments) => void control.stopped.push(...deployments),
    deliverSoon: () => undefined,
    runtimeOf: () => runtime as unknown as Runtime,
    enginesChanged: async () => undefined,
    tryEngine: async () => ({ ram: 8000, cpu: 4000, devices: [], labels: { arch: 'amd64' } }),
    trySwarm: async () => [],
    lookAtSwarm: async () => undefined,
    lookAtUsage: async () => null,
    onEvents(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async currentPlan(clusterId) {
      return control.frozen ?? (await allWait(control.db!, clusterId));
    },
    async preview(clusterId) {
      return control.frozen ?? (await allWait(control.db!, clusterId));
    },
    async previewPolicy(clusterId) {
      const outcome = await control.schedule(clusterId, { dryRun: true, trigger: 'api' });
      return { current: outcome, changed: outcome };
    },
    async schedule(clusterId, { dryRun }) {
      return { ...(await allWait(control.db!, clusterId)), passId: null, dryRun, solver: 'not_asked', durationMs: 1.5 };
    },
  };
  return control;
}

async function allWait(db: Database, clusterId: string): Promise<CurrentPlan> {
  const read = await readSnapshot(db, clusterId, { lock: false });
  if (read === null) throw new Error('the cluster is gone');
  const queue = [...read.snapshot.queue].toSorted(
    (a, b) => a.priority - b.priority || a.queuedAt - b.queuedAt || (a.id < b.id ? -1 : 1),
  );
  const decisions = queue.map(
    ({ id, priority }, index): Decision => ({
      kind: 'wait',
      deploymentId: id,
      position: index + 1,
      priority,
      effectivePriority: priority,
      promoted: false,
      reason: 'insufficient_resources',
      shortfall: { ram: 1000, cpu: 0, gpu: 0 },
      nearestNode: 'node-1',
      replicasFitting: 0,
      reservation: null,
    }),
  );
  return {
    snapshot: read.snapshot,
    plan: { decisions, reservations: [], quality: { admitted: 0, bound: 0, proven: true, levels: [] } },
  };
}

function fakeRuntime(): FakeRuntime {
  const runtime: FakeRuntime = {
    kind: 'simulated',
    containers: new Map(),
    reachable: true,
    volumeSizes: async () => new Map(),
    async inspect(key: ContainerKey) {
      if (!runtime.reachable) throw new RuntimeError('unreachable', 'the engine does not answer');
      const container = runtime.containers.get(key.deploymentId);
      if (container === undefined) return null;
      return {
        key,
        containerId: 'c',
        status: container.open ? 'running' : 'exited',
        startedAt: 0,
        finishedAt: null,
        exitCode: null,
        outOfMemory: false,
        ports: [],
      };
    },
    async *logs(key, { tail, since, follow, signal }) {
      const container = runtime.containers.get(key.deploymentId);
      if (container === undefined) throw new RuntimeError('not_found', 'no such container');
      const lines = container.lines.filter(({ at }) => since === undefined || at >= since);
      let next = tail === undefined ? 0 : Math.max(0, lines.length - tail);
      for (;;) {
        while (next < lines.length) yield lines[next++]!;
        if (follow !== true || !container.open || signal?.aborted) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
        lines.splice(0, lines.length, ...container.lines);
      }
    },
  };
  return runtime;
}
