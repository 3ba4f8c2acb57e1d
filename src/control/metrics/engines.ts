import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface EngineMetrics {
  /** `engine`: the id of one that somebody added, or the runtime of the installation's own. */
  looked(engine: string, reachable: boolean): void;
  /** It is not looked at from here any more. */
  forget(engine: string): void;
  called(runtime: string, call: string, seconds: number): void;
  failed(engine: string, code: string): void;
}

export function createEngineMetrics(registry: Registry): EngineMetrics {
  const registers = [registry];
  const reachable = new Gauge({
    name: 'hypervisor_runtime_reachable',
    help: '1 where the engine answers, 0 where it does not: the runtime of an own engine, or the id of an added one. Told by the process with the duty watch.',
    labelNames: ['runtime'],
    registers,
  });
  const durations = new Histogram({
    name: 'hypervisor_engine_call_duration_seconds',
    help: 'Time that engines took to answer, or to fail, by what they were asked. A stop includes the grace, ensureImage the pull.',
    labelNames: ['runtime', 'call'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 120],
    registers,
  });
  const errors = new Counter({
    name: 'hypervisor_engine_errors_total',
    help: 'What engines were asked and failed to do, by code: the runtime of an own engine, or the id of an added one.',
    labelNames: ['engine', 'code'],
    registers,
  });
  return {
    looked: (engine, yes) => reachable.labels(engine).set(yes ? 1 : 0),
    forget: (engine) => reachable.remove(engine),
    called: (runtime, call, seconds) => durations.labels(runtime, call).observe(seconds),
    failed: (engine, code) => errors.labels(engine, code).inc(),
  };
}
