/**
 * How well a replica is, by what its probes found: a pure step from what was known to what is known now. The rules are those of
 * Docker's own health checks, so that nobody has to learn new ones. Times are milliseconds since the Unix epoch.
 */

/** `starting`: no probe has found it well yet, and not enough of them have failed. */
export type Health = 'starting' | 'healthy' | 'unhealthy';

export interface HealthRules {
  /** From one probe to the next, in milliseconds. */
  readonly interval: number;
  /** So many failures in a row make it unhealthy. */
  readonly retries: number;
  /** For so long after its start, in milliseconds, failures do not count until a probe has found it well. */
  readonly startPeriod: number;
}

export interface HealthRecord {
  readonly health: Health;
  /** Failures in a row that count. */
  readonly failures: number;
}

export interface Probe {
  readonly isWell: boolean;
  readonly at: number;
}

export const unprobed: HealthRecord = { health: 'starting', failures: 0 };

/** While it starts it is looked at so often, in milliseconds, that it is ready soon after it is. */
const startingInterval = 1000;

/** What is known after a probe of a replica that was started at `startedAt`. One that found it well wipes out all failures. */
export function afterProbe(before: HealthRecord, probe: Probe, rules: HealthRules, startedAt: number): HealthRecord {
  if (probe.isWell) return { health: 'healthy', failures: 0 };
  if (isSpared(before, probe.at, rules, startedAt)) return before;
  const failures = before.failures + 1;
  return { health: failures >= rules.retries ? 'unhealthy' : before.health, failures };
}

/** When to look again after a look at `lastAt`. */
export function nextProbeAt(record: HealthRecord, lastAt: number, rules: HealthRules, startedAt: number): number {
  const { interval } = rules;
  return lastAt + (isSpared(record, lastAt, rules, startedAt) ? Math.min(interval, startingInterval) : interval);
}

/** Whether a failure would say no more than that it is not up yet. Its first interval is given to everybody. */
function isSpared({ health }: HealthRecord, at: number, rules: HealthRules, startedAt: number): boolean {
  return health === 'starting' && at < startedAt + Math.max(rules.startPeriod, rules.interval);
}
