import { type Runtime, RuntimeError } from '../runtimes/runtime.ts';
import { traced } from '../tracing/spans.ts';
import type { EngineMetrics } from './metrics/engines.ts';

/** What is no error of the engine: people ask for what is not there, and probe what does not listen. */
const isAnswer: ReadonlySet<string> = new Set([
  'not_found',
  'not_running',
  'not_wanted',
  'in_use',
  'invalid',
  'refused',
]);

type Call = (...args: readonly unknown[]) => Promise<unknown>;

/**
 * The same engine, with every call timed and every failure counted. In one place for all of the port, so that what is added to it
 * is measured as well.
 */
export function measuredRuntime(
  runtime: Runtime,
  engineId: string | null,
  metrics: Pick<EngineMetrics, 'called' | 'failed'>,
): Runtime {
  const { kind } = runtime;
  const about = { 'hypervisor.runtime': kind, 'hypervisor.engine': engineId ?? kind };
  const calls = new Map<string | symbol, Call>();

  function measured(name: string, call: Call): Call {
    return async (...args) => {
      const startedAt = performance.now();
      try {
        return await traced(`engine ${name}`, about, () => Reflect.apply(call, runtime, args));
      } catch (error) {
        const code = error instanceof RuntimeError ? error.code : 'unknown';
        if (!isAnswer.has(code)) metrics.failed(engineId ?? kind, code);
        throw error;
      } finally {
        metrics.called(kind, name, (performance.now() - startedAt) / 1000);
      }
    };
  }

  return new Proxy(runtime, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      // A log takes as long as its container runs.
      if (typeof value !== 'function' || name === 'logs') return value;
      let call = calls.get(name);
      if (call === undefined) calls.set(name, (call = measured(String(name), value as Call)));
      return call;
    },
  });
}
