import pLimit from 'p-limit';
import type { Logger } from 'pino';
import { afterProbe, type HealthRecord, type HealthRules, nextProbeAt, unprobed } from '../core/health.ts';
import { type HealthCheck, type ProbeResult, type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { type CheckedReplica, type Finding, readChecked, recordHealth } from '../store/health.ts';
import type { HealthCheckColumn } from '../store/tables.ts';
import type { EngineKey } from '../store/work.ts';
import { batched } from './batched.ts';
import type { Observations } from './observations.ts';
import { repeat } from './repeat.ts';
import { recordState } from './state-observations.ts';

/** How often it is asked who is to be looked at. */
const lookMs = 500;
/** How many of one engine's containers are looked at at once: one that does not answer keeps its place until its time is up. */
const probesAtOnce = 64;

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly runtimeOf: (engine: EngineKey) => Runtime;
  readonly observations: Observations;
  /** Events were written. */
  readonly onEvents: () => void;
}

/** What is remembered of a replica from look to look. */
interface Known {
  record: HealthRecord;
  dueAt: number;
  isUnderWay: boolean;
}

/**
 * Looks after the health of replicas: whoever runs and is due is probed, and what changed is written down. Who is unhealthy is stopped, if
 * its restart policy starts it again then. Failures are counted in memory: after a restart they are counted anew, from the health that
 * was written down.
 */
export function startHealth(deps: Deps): { close(): Promise<void> } {
  const known = new Map<string, Known>();
  const limits = new Map<string, ReturnType<typeof pLimit>>();
  const limitOf = ({ runtime, engineId }: EngineKey) => {
    const name = engineId ?? runtime;
    let limit = limits.get(name);
    if (limit === undefined) limits.set(name, (limit = pLimit(probesAtOnce)));
    return limit;
  };
  const underWay = new Set<Promise<void>>();
  const stop = new AbortController();
  const write = batched<Finding, null>(async (findings) => {
    if (await recordHealth(deps.db, findings)) deps.onEvents();
    return findings.map(() => null);
  });

  async function probe(replica: CheckedReplica, memory: Known): Promise<void> {
    const { key, check, startedAt } = replica;
    const result = await ask(deps, replica, stop.signal);
    if (result === null || stop.signal.aborted) return;
    const probedAt = Date.now();
    memory.record = afterProbe(memory.record, { isWell: result.isWell, at: probedAt }, rulesOf(check), startedAt);
    const { health } = memory.record;
    if (health !== replica.health || result.message !== replica.message) {
      await write({ key, health, message: result.message });
    }
    // Not only when it becomes so: a stop that did not come about is made again.
    if (health === 'unhealthy' && replica.isRestarted) await end(deps, replica);
  }

  function begin(replica: CheckedReplica, memory: Known): void {
    memory.isUnderWay = true;
    const turn = limitOf(replica)(() => probe(replica, memory))
      .catch((error: unknown) =>
        deps.log.warn(
          { err: error, deployment: replica.key.deploymentId },
          'a health check failed to be made; trying again',
        ),
      )
      .finally(() => {
        memory.isUnderWay = false;
        memory.dueAt = nextProbeAt(memory.record, Date.now(), rulesOf(replica.check), replica.startedAt);
        underWay.delete(turn);
      });
    underWay.add(turn);
  }

  const turns = repeat(lookMs, deps.log, 'looking after the health of replicas', async () => {
    const replicas = await readChecked(deps.db);
    const names = new Set(replicas.map(nameOf));
    for (const name of known.keys()) if (!names.has(name)) known.delete(name);
    for (const replica of replicas) {
      const name = nameOf(replica);
      let memory = known.get(name);
      if (memory === undefined) {
        memory = { record: recordOf(replica), dueAt: 0, isUnderWay: false };
        known.set(name, memory);
      }
      if (!memory.isUnderWay && memory.dueAt <= Date.now()) begin(replica, memory);
    }
  });

  return {
    async close() {
      stop.abort();
      await turns.stop();
      await Promise.all(underWay);
    },
  };
}

/** One that was started again is another: nothing of what was found before holds. */
function nameOf({ key, startedAt }: CheckedReplica): string {
  return `${key.deploymentId}/${key.attempt}/${key.replica}/${key.run}/${startedAt}`;
}

function recordOf({ health }: CheckedReplica): HealthRecord {
  return health === null ? unprobed : { health, failures: 0 };
}

function rulesOf(check: HealthCheckColumn): HealthRules {
  return { interval: check.interval_s * 1000, retries: check.retries, startPeriod: check.start_period_s * 1000 };
}

/** Stops its container: why, its row says (isEndedForHealth in src/core/progress.ts), whoever sees the end first. */
async function end(
  { runtimeOf, observations }: Deps,
  { key, runtime, engineId, stopGraceSeconds }: CheckedReplica,
): Promise<void> {
  try {
    const state = await runtimeOf({ runtime, engineId }).stop(key, stopGraceSeconds);
    if (state !== null) await recordState(observations, state);
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.code !== 'unreachable') throw error;
  }
}

/** Null where nothing can be said: it does not run any more, or its engine does not answer. */
async function ask(
  { runtimeOf }: Deps,
  { key, runtime, engineId, check }: CheckedReplica,
  signal: AbortSignal,
): Promise<ProbeResult | null> {
  try {
    return await runtimeOf({ runtime, engineId }).probe(key, checkOf(check), check.timeout_s * 1000, signal);
  } catch (error) {
    if (error instanceof RuntimeError && error.code === 'unreachable') return null;
    throw error;
  }
}

function checkOf({ http, tcp, command }: HealthCheckColumn): HealthCheck {
  if (http !== null) return { kind: 'http', port: http.port, path: http.path, expectStatus: http.expect_status };
  return tcp === null ? { kind: 'command', command: command ?? [] } : { kind: 'tcp', port: tcp.port };
}
