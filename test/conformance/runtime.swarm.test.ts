import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { createSwarmRuntime } from '../../src/runtimes/swarm.ts';
import { proxyTo, type SocketProxy } from '../support/socket-proxy.ts';
import { openSwarm, type TestSwarm } from '../support/swarm.ts';
import { runtimeConformance } from './runtime.suite.ts';
import { scriptOf } from './shell-behaviour.ts';

let swarm: TestSwarm;

beforeAll(async () => {
  swarm = await openSwarm({ machines: 3 });
});
afterAll(() => swarm?.remove());

runtimeConformance('swarm', async () => {
  const [manager, worker = manager] = swarm.machines;
  const { image } = worker;
  // A worker, so that nothing depends on the manager being the node.
  const proxies: readonly SocketProxy[] = await Promise.all([proxyTo(manager.socketPath), proxyTo(worker.socketPath)]);
  const [toManager, toWorker] = proxies;
  return {
    runtime: createSwarmRuntime({
      installationId: randomUUID(),
      manager: { socketPath: toManager?.path ?? '' },
      nodeId: worker.nodeId,
      node: { socketPath: toWorker?.path ?? '' },
      // Only against one that never answers: three engines on a busy machine are slow.
      answerMs: 120_000,
    }),
    run: (behaviour) => ({ image, command: ['sh', '-c', scriptOf(behaviour)], env: {} }),
    missingImage: 'hypervisor/there-is-no-such-image:1',
    check: { kind: 'command', command: ['test', '-e', '/tmp/well'] },
    refused: { image, command: ['no-such-command'], env: {} },
    goAway: async () => void (await Promise.all(proxies.map((proxy) => proxy.cut()))),
    comeBack: async () => void (await Promise.all(proxies.map((proxy) => proxy.mend()))),
    close: async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))),
  };
});
