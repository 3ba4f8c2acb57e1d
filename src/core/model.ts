/**
 * What the planner reads and what it answers. Plain data: a snapshot can be written to a file and replayed.
 *
 * All amounts are whole thousandths: `ram` in thousandths of a GB (1 GB = 1024^3 bytes), `cpu` in thousandths of a core,
 * `gpu` in thousandths of a device. All times are milliseconds since the Unix epoch.
 */

/** Thousandths of a GB, of a core, of a GPU device. */
export interface Resources {
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
}

export type Dimension = keyof Resources;
export const dimensions: readonly Dimension[] = ['ram', 'cpu', 'gpu'];

/** What one GPU device is worth: a device is shared in thousandths or given whole. */
export const wholeDevice = 1000;

/** One GPU of a node, with what is still free of it, in thousandths. */
export interface Device {
  /** Position on the node, from 0: what the runtime is told. */
  readonly index: number;
  readonly model: string;
  /** Its memory, in thousandths of a GB; absent where nobody said. */
  readonly memory?: number;
  readonly free: number;
}

/** One machine. `total` never changes in a pass; `free` is what no allocation holds. `gpu` sums up `devices`. */
export interface Node {
  readonly id: string;
  readonly name: string;
  readonly total: Resources;
  readonly free: Resources;
  readonly devices: readonly Device[];
  /** False on a cordoned node: what runs there goes on, nothing new is placed. */
  readonly schedulable: boolean;
  /** What its owner says about it: `{ zone: 'a', disk: 'ssd' }`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The machine that it stands for: nodes of one machine share its host ports. Absent: a machine of its own. */
  readonly machine?: string;
  /** The host ports of its machine that are taken, by whoever. Looked at by `fits` only: the planner knows who has which. */
  readonly takenPorts?: readonly HostPort[];
  /** When it is closed for maintenance, now or later; absent: never. */
  readonly windows?: readonly Window[];
}

/** From `from` on, and up to `to`. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** A port of a machine, as "tcp/8080". */
export type HostPort = string;

/** Who has a host port of a machine. */
export interface PortUse {
  readonly machine: string;
  readonly port: HostPort;
  readonly deploymentId: string;
}

/** What each replica of a deployment needs. Equal requests form a shape, so that a pass costs shapes x nodes. */
export interface Request {
  /** For each replica. `gpu` below 1000 is a share of one device; else a multiple of 1000, whole idle devices of one node. */
  readonly perReplica: Resources;
  readonly replicas: number;
  /** Any of these device models will do; empty: any model. */
  readonly gpuModels: readonly string[];
  /** The memory that each device must have at least, in thousandths of a GB; absent or 0: any will do. */
  readonly gpuMemory?: number;
  /** Only nodes that have all of these labels will do. */
  readonly nodeLabels?: Readonly<Record<string, string>>;
  /** The engine that has the data of its volumes, in words; `nodeLabels` asks for its nodes. Absent where that excludes no node. */
  readonly volumesOn?: string;
  /** At most so many replicas on one node (1: each on a node of its own); absent or 0: any number. */
  readonly maxPerNode?: number;
  /** Each replica takes these ports of its machine: so each stands on a machine of its own. Absent: none. */
  readonly hostPorts?: readonly HostPort[];
}

export interface QueuedDeployment {
  readonly id: string;
  readonly request: Request;
  /** 1 to 100; a lower number goes first. */
  readonly priority: number;
  /** When it entered the queue: its age counts from here. */
  readonly queuedAt: number;
  /** The time limit that the user declared, in milliseconds; null where none was. */
  readonly timeLimit: number | null;
  /** True where it runs until somebody stops it. */
  readonly isService?: boolean;
  /** Whose it is: how long their deployments ran before says how long this one may. Absent: nobody's. */
  readonly user?: string;
}

/** Resources that one running replica holds. Needed only to foresee when they come free. */
export interface Holding {
  readonly deploymentId: string;
  readonly nodeId: string;
  readonly resources: Resources;
  readonly devices: readonly DeviceShare[];
  /** The host ports of its machine that it has; absent: none. */
  readonly hostPorts?: readonly HostPort[];
  /** By when it must have ended, by its declared time limit; null where none was declared. */
  readonly endsBy: number | null;
  /** True where it runs until somebody stops it: no room is kept in the hope that it ends. */
  readonly isService?: boolean;
  /** Its own priority, 1 to 100: who is stopped for whom depends on it. Absent: nothing is ever stopped for another. */
  readonly priority?: number;
  /** When it was started; absent where nobody said. */
  readonly startedAt?: number;
  /** True where it is being stopped: what it holds comes free soon, and need not be stopped for anybody. */
  readonly isStopping?: boolean;
  readonly user?: string;
}

export interface DeviceShare {
  readonly index: number;
  /** Thousandths of the device. */
  readonly amount: number;
}

export interface Policy {
  /** Waiting this long raises the effective priority by one; 0 switches aging off. */
  readonly agingInterval: number;
  /** Passed over for longer than this, a deployment gets a reservation. */
  readonly reservationAfter: number;
  /** The most deployments that one pass admits: a pass stays one short transaction. */
  readonly maxAdmissions: number;
  /**
   * Who goes first inside a level when not all fit. `largest_set` (where absent): as many as can run beside each other.
   * `learned`: those who are expected to be short, the sooner the longer they have waited (shortest.ts).
   */
  readonly backfill?: Backfill;
  /** Whether a running deployment may be stopped for one of higher priority; absent: never. */
  readonly preemption?: PreemptionPolicy;
}

export type Backfill = 'largest_set' | 'learned';

interface PreemptionPolicy {
  /** Nothing is stopped that has not run for so long yet, in milliseconds. */
  readonly minRunTime: number;
}

export interface Snapshot {
  readonly nodes: readonly Node[];
  readonly queue: readonly QueuedDeployment[];
  readonly holdings: readonly Holding[];
  /** What is kept for those for whom others are being stopped; absent: nothing. */
  readonly claims?: readonly Claim[];
  /** Host ports of its machines that deployments of other clusters have; absent: none. */
  readonly foreignPorts?: readonly PortUse[];
  /** By user: how long their latest deployments ran, in milliseconds, the latest first; absent: nothing is known. */
  readonly runs?: Readonly<Record<string, readonly number[]>>;
}

/** How one deployment stands: it waits, or holds something, or neither. */
export interface DeploymentState {
  /** Null where it does not wait. */
  readonly queued: QueuedDeployment | null;
  readonly holdings: readonly Holding[];
}

/** The places that a queued deployment gets as soon as those that were stopped for it are gone. */
export interface Claim {
  readonly deploymentId: string;
  readonly placements: readonly Placement[];
  /** Who was stopped for it; absent where nobody said. */
  readonly victims?: readonly string[];
}

/** Where one replica goes. */
export interface Placement {
  readonly replica: number;
  readonly nodeId: string;
  readonly resources: Resources;
  readonly devices: readonly DeviceShare[];
  /** Absent: none. */
  readonly hostPorts?: readonly HostPort[];
}

/** Why a deployment waits, from the nearest to the farthest from running. */
export type WaitReason =
  /** It fits, but the pass had admitted as many as one pass may. The next pass takes it. */
  | 'pass_full'
  /** Others are being stopped for it: it starts when they are gone. */
  | 'preempting'
  /** It fits into what is free, but the free resources are held for a reservation. */
  | 'held_by_reservation'
  /** There is room for it, but on a machine of which somebody else has a host port that it needs. */
  | 'port_taken'
  /** It would fit, but would still run when maintenance begins. */
  | 'maintenance'
  /** It would have fitted, but of its level another set admitted more deployments. */
  | 'level_chose_larger_set'
  /** Higher or older ones took what it needs. */
  | 'insufficient_resources'
  /** In sum there is enough, but no one node (or GPU device) has it all. */
  | 'fragmented'
  /** Every node that could hold it is cordoned. */
  | 'no_schedulable_node'
  /** Even an empty cluster could not hold it (the cluster has shrunk since it was submitted). */
  | 'never_fits';

/** A deployment's standing in this pass. Position counts from 1, in the order of the scheduler. */
interface Standing {
  readonly deploymentId: string;
  readonly position: number;
  readonly priority: number;
  /** The priority that counted: lower than `priority` by what its age has earned. */
  readonly effectivePriority: number;
  /** True only where age raised it and it could be allocated in this pass. */
  readonly promoted: boolean;
}

export interface Place extends Standing {
  readonly kind: 'place';
  readonly placements: readonly Placement[];
  /** True where it was started before a higher one that does not fit. */
  readonly backfilled: boolean;
  /** True where it went before its turn, because it (or the one that it stood in for) had waited too long (reserve.ts). */
  readonly outOfTurn: boolean;
}

export interface Wait extends Standing {
  readonly kind: 'wait';
  readonly reason: WaitReason;
  /** What is missing for one replica on the node that comes nearest, per dimension; 0 where it suffices. */
  readonly shortfall: Resources;
  /** The node that comes nearest, by its name; null where there is none. */
  readonly nearestNode: string | null;
  /** How many of its replicas would find room now: all of them where others or a reservation stand in the way. */
  readonly replicasFitting: number;
  /** With the reason `port_taken`: which port, and who has it. */
  readonly portTaken?: PortUse;
  readonly reservation: Reservation | null;
}

/** Others are stopped for it: it waits for their end, and its places are kept for it from now on. */
export interface Preempt extends Standing {
  readonly kind: 'preempt';
  readonly placements: readonly Placement[];
  readonly receipt: PreemptionReceipt;
}

/** Who is stopped for whom, what it costs, and what else would have done. */
export interface PreemptionReceipt extends PreemptionCost {
  readonly victims: readonly Victim[];
  /** Other sets that would have made room, the next best first; at most a few. */
  readonly alternatives: readonly (PreemptionCost & { readonly victims: readonly string[] })[];
}

/** What stopping costs, the worst first: who is hit, and how much they had done. */
export interface PreemptionCost {
  /** The best priority among the victims: the higher the number, the better. */
  readonly highestPriority: number;
  /** Milliseconds that they have run, each replica by itself: the work that is lost. */
  readonly lostWork: number;
}

export interface Victim {
  readonly deploymentId: string;
  readonly priority: number;
  /** Milliseconds that its replicas have run, added up. */
  readonly lostWork: number;
}

export type Decision = Place | Preempt | Wait;

/** Resources kept for a deployment that has been passed over for too long. */
export interface Reservation {
  readonly deploymentId: string;
  /** What is kept, by node. */
  readonly nodes: readonly { readonly nodeId: string; readonly resources: Resources }[];
  /** The earliest start that declared time limits allow; null where they say nothing. */
  readonly startsAt: number | null;
}

export interface Plan {
  /** One for each queued deployment, in the order of the scheduler. */
  readonly decisions: readonly Decision[];
  readonly reservations: readonly Reservation[];
  readonly quality: Quality;
}

/** How good a plan is: how many it admits, and how many any plan could. */
export interface Quality {
  readonly admitted: number;
  /** Level after level: beside those chosen of the better levels, wherever they stand, no choice has more. The sum over the levels. */
  readonly bound: number;
  /** True where no level could have had more: `admitted` is `bound`. */
  readonly proven: boolean;
  /** Of each level that was looked at, the best first. Whoever goes before the levels is in none. */
  readonly levels: readonly LevelQuality[];
}

export type LevelQuality = Pick<Quality, 'admitted' | 'bound'>;
