/** Which leases this process has: clusters, shared out among the schedulers, and duties that only one process has at a time. */
import type { Logger } from 'pino';
import type { Database } from '../store/database.ts';
import {
  type Held,
  type Lease,
  leaseOfCluster,
  releaseLeases,
  removeLeasesOfDeleted,
  renewLeases,
  takeLeases,
  unheldClusters,
} from '../store/leases.ts';
import { countLivingByRole } from '../store/processes.ts';
import type { LeaseKind, LeaseMetrics } from './metrics/processes.ts';
import { repeat } from './repeat.ts';

/** How often they are renewed, and it is looked for free ones. */
const lookMs = 1_000;
/** A lease lasts for so long without being renewed; that of a killed process is free as soon as the database knows that it is gone. */
const leaseSeconds = 4;
/** By its own clock, which does not jump, a process lets go a little earlier. */
const trustedMs = 3_500;

/** What only one process does at a time: keeping time and sending what was lost (scheduler); watching engines (worker). */
export type Duty = 'duty/upkeep' | 'duty/watch';

export interface Leases {
  /** Of a cluster that this process has. */
  of(clusterId: string): Held | null;
  /** The same, where it is this process's; otherwise takes it now, if nobody has it. */
  claim(clusterId: string): Promise<Held | null>;
  readonly clusterIds: () => string[];
  close(): Promise<void>;
}

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly processId: string;
  /** Whether it takes clusters. */
  readonly clusters: boolean;
  readonly duties: readonly Duty[];
  readonly onCluster: (clusterId: string) => void;
  readonly onDuty: (duty: Duty, isMine: boolean) => void;
  readonly metrics: LeaseMetrics;
}

/** Resolves after the first look: what is free then is taken. */
export async function keepLeases(deps: Deps): Promise<Leases> {
  const { db, log, processId, metrics } = deps;
  const mine = new Map<string, string>();
  /** When it was last tried in vain to take it. */
  const refusedAt = new Map<string, number>();
  let renewedAt = performance.now();

  function gain({ name, fence }: Lease): void {
    if (mine.get(name) === fence) return;
    if (!mine.has(name)) metrics.gained(kindOf(name));
    mine.set(name, fence);
    if (isDuty(name)) deps.onDuty(name, true);
    else deps.onCluster(name.slice(clusterPrefix.length));
  }

  function lose(name: string): void {
    if (!mine.delete(name)) return;
    metrics.gone(kindOf(name), 'lost');
    const about = isDuty(name) ? {} : { cluster: name.slice(clusterPrefix.length) };
    log.warn({ lease: name, ...about }, 'another process has taken over');
    if (isDuty(name)) deps.onDuty(name, false);
  }

  async function renew(): Promise<void> {
    const startedAt = performance.now();
    const held = new Map((await renewLeases(db, processId, leaseSeconds)).map((lease) => [lease.name, lease]));
    renewedAt = startedAt;
    for (const name of mine.keys()) if (!held.has(name)) lose(name);
    for (const lease of held.values()) gain(lease);
  }

  async function take(names: readonly string[]): Promise<void> {
    for (const lease of await takeLeases(db, processId, names, leaseSeconds)) gain(lease);
  }

  const clustersOfMine = () =>
    [...mine.keys()].filter((name) => !isDuty(name)).map((name) => name.slice(clusterPrefix.length));

  /** A fair share for each scheduler: who has more gives back, who has less takes what is free. */
  async function share(): Promise<void> {
    const { ids, total } = await unheldClusters(db);
    const living = await countLivingByRole(db);
    const schedulers = (living.get('scheduler') ?? 0) + (living.get('all') ?? 0);
    const fair = Math.ceil(total / Math.max(1, schedulers));
    const held = clustersOfMine();
    if (held.length > fair) {
      const surplus = held.slice(fair).map(leaseOfCluster);
      for (const name of surplus) {
        mine.delete(name);
        metrics.gone('cluster', 'given_back');
      }
      await releaseLeases(db, processId, surplus);
    }
    await take(ids.slice(0, Math.max(0, fair - held.length)).map(leaseOfCluster));
  }

  async function look(): Promise<void> {
    refusedAt.clear();
    try {
      // First: one of a cluster that is gone would count against the share, and another be given back for it.
      if (deps.clusters) await removeLeasesOfDeleted(db);
      await renew();
      await take(deps.duties.filter((duty) => !mine.has(duty)));
      if (deps.clusters) await share();
    } catch (error) {
      // Others can have taken over by now. Passes are refused by the fence; duties are let go.
      if (performance.now() - renewedAt > trustedMs) for (const name of mine.keys()) lose(name);
      throw error;
    }
  }

  await look();
  const turns = repeat(lookMs, log, 'the renewal of leases', look);

  const of = (clusterId: string): Held | null => {
    const name = leaseOfCluster(clusterId);
    const fence = mine.get(name);
    return fence === undefined ? null : { name, fence, processId };
  };

  return {
    of,
    async claim(clusterId) {
      const before = refusedAt.get(clusterId) ?? Number.NEGATIVE_INFINITY;
      if (!deps.clusters || of(clusterId) !== null || performance.now() - before < lookMs) return of(clusterId);
      await take([leaseOfCluster(clusterId)]);
      if (of(clusterId) === null) refusedAt.set(clusterId, performance.now());
      return of(clusterId);
    },
    clusterIds: clustersOfMine,
    async close() {
      await turns.stop();
      mine.clear();
      await releaseLeases(db, processId, null).catch((error: unknown) =>
        log.debug({ err: error }, 'leases were not given back; others wait until they expire'),
      );
    },
  };
}

const clusterPrefix = leaseOfCluster('');

const kindOf = (name: string): LeaseKind => {
  if (!isDuty(name)) return 'cluster';
  return name === 'duty/upkeep' ? 'upkeep' : 'watch';
};

const isDuty = (name: string): name is Duty => !name.startsWith(clusterPrefix);
