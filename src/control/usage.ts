import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import { coresBetween } from '../core/usage.ts';
import { type ContainerKey, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { Usage } from '../runtimes/seeing-in.ts';
import type { ClusterUse } from '../store/cluster-history.ts';
import type { Database } from '../store/database.ts';
import { readRunningReplicas, recordUsage, type SeenUsage } from '../store/usage.ts';
import type { EngineKey } from '../store/work.ts';
import { type Look, useOf } from './cluster-use.ts';
import { repeat } from './repeat.ts';

/** How often everything that runs is looked at, so that its peak is known. */
const everyMs = 10_000;
/** An engine answers each look in milliseconds, as long as it is not asked for all at once. */
const looksAtOnce = 8;
/** A rate over less says little; one over more, nothing about now. */
const spanMsMin = 500;
const spanMsMax = 30_000;

/** What a replica uses at the moment: `cpu` in thousandths of a core, null where it began only just now. */
export interface UsageNow extends Usage {
  readonly cpu: number | null;
}

export interface UsageWatch {
  /** Looks at it now. Null where it does not run, or nothing is counted of it. Throws `unreachable`. */
  look(runtime: Runtime, key: ContainerKey): Promise<UsageNow | null>;
  /** What the containers of clusters used when they were last looked at; none of those of which nothing is known. */
  useOfClusters(): readonly ClusterUse[];
  /** Begins to look at everything that runs, regularly. */
  start(): { close(): Promise<void> };
}

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly runtimeOf: (engine: EngineKey) => Runtime;
}

/**
 * Looks regularly at what containers use, and writes down the peak of their memory and their CPU time: of one that has ended, an
 * engine tells nothing any more. What is shorter than the pause between two looks may not be seen at all.
 */
export function createUsageWatch({ db, log, runtimeOf }: Deps): UsageWatch {
  /** Each engine by itself: one that is slow to answer keeps no other waiting. */
  const turnsOf = new WeakMap<Runtime, ReturnType<typeof pLimit>>();
  /** The look before the latest span, for the rate. */
  const before = new Map<string, Usage>();
  let useOfClusters: readonly ClusterUse[] = [];

  async function see(runtime: Runtime, key: ContainerKey): Promise<Usage | null> {
    try {
      const inTurn = turnsOf.get(runtime) ?? pLimit(looksAtOnce);
      turnsOf.set(runtime, inTurn);
      return await inTurn(() => runtime.stats(key));
    } catch (error) {
      if (error instanceof RuntimeError && (error.code === 'not_found' || error.code === 'not_running')) return null;
      throw error;
    }
  }

  async function lookAtAll(): Promise<void> {
    const running = await readRunningReplicas(db);
    const seen: SeenUsage[] = [];
    const compared: Look[] = [];
    const looks = running.map(async (key) => {
      const usage = await see(runtimeOf(key), key);
      if (usage === null) return;
      compared.push({ clusterId: key.clusterId, before: before.get(nameOf(key)), now: usage });
      before.set(nameOf(key), usage);
      seen.push({ ...key, usage });
    });
    // An engine that is away keeps the others' from nothing.
    const failed = (await Promise.allSettled(looks)).find((look) => look.status === 'rejected');
    useOfClusters = useOf(compared);
    await recordUsage(db, seen);
    const names = new Set(running.map(nameOf));
    for (const name of before.keys()) if (!names.has(name)) before.delete(name);
    if (failed !== undefined) throw failed.reason;
  }

  return {
    async look(runtime, key) {
      const name = nameOf(key);
      let now = await see(runtime, key);
      if (now === null) return null;
      let first = before.get(name);
      if (first === undefined || !isSpan(first, now)) {
        first = now;
        await sleep(spanMsMin);
        now = (await see(runtime, key)) ?? now;
      }
      before.set(name, now);
      await recordUsage(db, [{ ...key, usage: now }]);
      return { ...now, cpu: coresBetween(first, now) };
    },
    useOfClusters: () => useOfClusters,
    start() {
      const turns = repeat(everyMs, log, 'looking at what containers use', lookAtAll);
      return { close: () => turns.stop() };
    },
  };
}

function isSpan(first: Usage, now: Usage): boolean {
  const ms = now.at - first.at;
  return ms >= spanMsMin && ms <= spanMsMax;
}

function nameOf(key: Omit<ContainerKey, 'clusterId'>): string {
  return `${key.deploymentId}/${key.attempt}/${key.replica}/${key.run}`;
}
