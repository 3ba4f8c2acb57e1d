/** What deployments use against what they ask for. Amounts are thousandths, times milliseconds, as everywhere in the core. */

/** The CPU time of a container, as it was at a moment. */
export interface CpuReading {
  readonly at: number;
  readonly cpuMs: number;
}

/**
 * Thousandths of a core in use between two readings; null where they tell nothing: of the same moment, or of a counter that began
 * anew in between.
 */
export function coresBetween(before: CpuReading, now: CpuReading): number | null {
  const ms = now.at - before.at;
  const used = now.cpuMs - before.cpuMs;
  if (ms <= 0 || used < 0) return null;
  return Math.round((used * 1000) / ms);
}

/** What is known of one replica. */
export interface ReplicaUsage {
  readonly asked: { readonly ram: number; readonly cpu: number };
  /** How long it has been watched, from its start on. */
  readonly watchedMs: number;
  /** The most memory that it was seen to hold. */
  readonly peakRam: number;
  /** CPU time in all. */
  readonly cpuMs: number;
}

export interface Oversize {
  readonly dimension: 'ram' | 'cpu';
  readonly asked: number;
  /** The peak of the memory; of the cores, the average. */
  readonly used: number;
  /** What would have been enough, with room to spare. */
  readonly enough: number;
}

/** A program that has only begun says nothing about what it needs. */
const watchedMsMin = 60_000;
/** Far too large: less than a quarter of it was used. */
const shareMax = 0.25;
/** Half as much again as was seen, in steps that people write, and never less than one of them. */
const spare = 1.5;
const step = 100;

/**
 * Where a request is far too large for what its replicas did: nothing until all have been watched for a minute, and only where what
 * the busiest of them used is less than a quarter of what each was given.
 */
export function oversizes(replicas: readonly ReplicaUsage[]): Oversize[] {
  const [first] = replicas;
  if (first === undefined || replicas.some(({ watchedMs }) => watchedMs < watchedMsMin)) return [];
  const peakRam = Math.max(...replicas.map((one) => one.peakRam));
  const cpu = Math.max(...replicas.map((one) => Math.round((one.cpuMs * 1000) / one.watchedMs)));
  return [
    ...oversize('ram', first.asked.ram, peakRam),
    // Of a single core or less there is little to give back, and whoever waits most of the time still wants it when it works.
    ...(first.asked.cpu > 1000 ? oversize('cpu', first.asked.cpu, cpu) : []),
  ];
}

function oversize(dimension: Oversize['dimension'], asked: number, used: number): Oversize[] {
  const enough = Math.max(step, Math.ceil((used * spare) / step) * step);
  return used < asked * shareMax && enough < asked ? [{ dimension, asked, used, enough }] : [];
}

/** One sentence for people. */
export function sayOversize({ dimension, asked, used, enough }: Oversize): string {
  const [of, seen] =
    dimension === 'ram' ? ['GB of memory', 'never used more than'] : ['cores', 'used on average no more than'];
  return `asks for ${asked / 1000} ${of} and ${seen} ${used / 1000}: ${enough / 1000} would be enough`;
}
