/** The whole of it: an installation at work, faults for so long, and the verdict. */
import { randomOf } from '../../src/simulate/random.ts';
import type { EnginePort } from '../support/engine-port.ts';
import type { Finding } from './findings.ts';
import { Saboteur } from './saboteur.ts';
import { setStage } from './stage.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** Of faults; what comes before and after takes its time. */
  readonly seconds: number;
  readonly engine: EnginePort;
  readonly say: (message: string) => void;
  readonly signal: AbortSignal;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  /** How often what was done. */
  readonly faults: ReadonlyMap<string, number>;
  readonly submitted: number;
  readonly acknowledged: number;
  readonly ended: number;
  /** How often the database was looked at while all went on. */
  readonly looks: number;
  /** What the processes logged, where something was found. */
  readonly log: string | null;
}

const progressMs = 10_000;

export async function runChaos({ seed, seconds, engine, say, signal }: ChaosOptions): Promise<Verdict> {
  const stage = await setStage({ seed, engine, say, signal });
  const { promises, findings, watch } = stage;
  const startedAt = performance.now();
  const clock = () => `${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s`;
  const progress = setInterval(() => {
    const acknowledged = promises.all.filter(({ id }) => id !== null).length;
    say(
      `${clock()}  ${acknowledged} submissions acknowledged, ${watch.ended} ended, looked ${watch.looks} times, ${findings.all.length} found`,
    );
  }, progressMs);
  const saboteur = new Saboteur(stage, randomOf(seed), (what) => say(`${clock()}  ${what}`));
  let log: string | null = null;
  try {
    stage.open();
    await saboteur.work(seconds * 1000, signal);
    signal.throwIfAborted();
    say(`${clock()}  nothing goes wrong any more: all has to come to its end`);
    await stage.close();
  } finally {
    clearInterval(progress);
    log = await stage.remove();
  }
  return {
    findings: findings.all,
    faults: saboteur.counts,
    submitted: promises.all.filter(({ id }) => id !== null).length,
    acknowledged: promises.acknowledged,
    ended: watch.ended,
    looks: watch.looks,
    log,
  };
}
