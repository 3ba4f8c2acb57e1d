/** What the API asks of the control plane. The loops behind it are started and stopped by src/main.ts. */
import type { Plan, Snapshot } from '../core/model.ts';
import type { Submitted } from '../core/preview.ts';
import type { Capacity, ContainerKey, Runtime } from '../runtimes/runtime.ts';
import type { FoundNode } from '../runtimes/swarm/manager.ts';
import type { PolicyChange } from '../store/clusters.ts';
import type { StoredEngine } from '../store/engines.ts';
import type { RunResult } from '../store/schedule-runs.ts';
import type { Actor, Scope } from '../store/scope.ts';
import type { RuntimeKind } from '../store/tables.ts';
import type { SolverUse } from './near-optimum.ts';
import type { UsageNow } from './usage.ts';

export type { UsageNow };

/** That one pass over a cluster took place. */
export interface PassSummary {
  /** Null where nothing changed, or in a dry run. */
  readonly passId: string | null;
  /** Milliseconds from the first query to the commit. */
  readonly durationMs: number;
}

/** What one pass decided of everybody, with what it decided on. */
export interface PassOutcome extends PassSummary {
  readonly dryRun: boolean;
  readonly snapshot: Snapshot;
  readonly plan: Plan;
  readonly solver: SolverUse;
}

/** The plan as it stands, for whoever asks why something waits. At most a second old. */
export interface CurrentPlan {
  readonly snapshot: Snapshot;
  readonly plan: Plan;
}

/** Both are of the same state. */
export interface PolicyPreview {
  readonly current: PassOutcome;
  readonly changed: PassOutcome;
}

export interface ControlPlane {
  /** Something changed that the cluster's scheduler should look at. Returns at once; many calls make one pass. */
  wake(clusterId: string): void;

  /** Deployments wait for others, and some of those may have ended: look soon. Returns at once. */
  settle(): void;

  /** Submits what a schedule says, now. Null where the organization has no such schedule. */
  runSchedule(scope: Scope, scheduleId: string, actor: Actor): Promise<RunResult | null>;

  /** One pass now. Calls for one cluster take turns. Throws if the cluster is gone. */
  schedule(clusterId: string, options: { dryRun: boolean; trigger: 'api' | 'automatic' }): Promise<PassOutcome>;

  currentPlan(clusterId: string): Promise<CurrentPlan>;

  /** What a pass would decide if these had been submitted. Nothing is written. Throws if the cluster is gone. */
  preview(clusterId: string, submitted: Submitted): Promise<CurrentPlan>;

  /** What a pass would decide now, and what it would with these rules. Nothing is written. Throws if the cluster is gone. */
  previewPolicy(clusterId: string, change: PolicyChange): Promise<PolicyPreview>;

  /** These deployments were set to `stopping`: stop their containers soon. Returns at once. */
  stopSoon(deployments: readonly { id: string; attempt: number }[]): void;

  /** A delivery to a webhook is due. Returns at once. */
  deliverSoon(): void;

  /** What runs a replica's container, or has a volume: `engineId` is that of the replica or the volume; null: the installation's own engine of that kind. */
  runtimeOf(kind: RuntimeKind, engineId?: string | null): Runtime;

  /** Engines were added, changed or deleted. Resolves when they can be used. */
  enginesChanged(): Promise<void>;

  /** Connects, and says what there is; throws RuntimeError `unreachable`. Nothing is kept of it. */
  tryEngine(engine: Pick<StoredEngine, 'address' | 'credentials'>): Promise<Capacity>;

  /** The nodes of a swarm, by its manager; throws RuntimeError `unreachable` and `invalid`. Nothing is kept of it. */
  trySwarm(engine: Pick<StoredEngine, 'address' | 'credentials' | 'nodeAddress'>): Promise<readonly FoundNode[]>;

  /** Brings what is known of the nodes of a swarm up to date. Throws as `trySwarm`. */
  lookAtSwarm(swarm: Pick<StoredEngine, 'id' | 'organizationId'>): Promise<void>;

  /** What a container uses at the moment. Null where it does not run, or nothing is counted of it. Throws `unreachable`. */
  lookAtUsage(runtime: Runtime, key: ContainerKey): Promise<UsageNow | null>;

  /** Calls back after events were written by this process, so that streams need not wait for their next look. */
  onEvents(listener: () => void): () => void;
}
