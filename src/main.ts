/** The only wiring: which database, queue, runtimes and loops make up a running control plane. */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import pino, { type Logger } from 'pino';
import { Registry } from 'prom-client';
import { v7 as uuidv7 } from 'uuid';
import { createOperationServer } from './api/operation-server.ts';
import { createScheduledSubmitter } from './api/scheduled-submission.ts';
import { createServer, redactedPaths } from './api/server.ts';
import type { Config } from './config.ts';
import { createControlPlane } from './control/create-control-plane.ts';
import { measurePool } from './control/metrics/pool.ts';
import { createControlMetrics } from './control/metrics.ts';
import { createPullCredentials } from './control/pull-credentials.ts';
import { joinProcesses } from './control/signals.ts';
import { refuseMoved } from './move/moved.ts';
import { createDashboardFiles } from './platform/dashboard-files.ts';
import { type DockerConnection, dockerConnection } from './platform/docker-connection.ts';
import { startEmbeddedPostgres } from './platform/embedded-postgres.ts';
import { hasPartIn } from './process-roles.ts';
import { openTaskQueue } from './queue/bullmq.ts';
import { parseEngineAddress } from './runtimes/docker/engine-address.ts';
import { connectionTo } from './runtimes/docker/engine-connection.ts';
import { createDockerRuntime } from './runtimes/docker.ts';
import type { Runtime } from './runtimes/runtime.ts';
import { createSimulatedRuntime, realClock } from './runtimes/simulated.ts';
import { createSharedSimulatedRuntime } from './runtimes/simulated-shared.ts';
import { swarmManager } from './runtimes/swarm/manager.ts';
import { createSwarmRuntime } from './runtimes/swarm.ts';
import { openSecretKey, type SecretKey } from './secret-key.ts';
import { type Database, databaseOn, openPool } from './store/database.ts';
import { readStoredEngines } from './store/engines.ts';
import { installationId } from './store/installation.ts';
import { migrate } from './store/migrate.ts';
import { reEncrypt } from './store/secrets/re-encrypt.ts';
import type { OwnRuntimeKind } from './store/tables.ts';
import { goOnBehindEvents } from './store/transaction-offset.ts';
import { addressRules } from './webhooks/addresses.ts';

export interface Hypervisor {
  /** Where the API is, without a trailing slash. */
  readonly url: string;
  readonly db: Database;
  readonly installationId: string;
  readonly runtimes: Readonly<Record<OwnRuntimeKind, Runtime>>;
  /** Makes the dashboard, if it was not asked for yet: whoever opens it first need not wait then. */
  readonly makeDashboard: () => Promise<unknown>;
  /** Ends everything that was started, in the reverse order; containers go on running. Calling it twice is the same as once. */
  stop(): Promise<void>;
}

export interface Hooks {
  /** Replaces the logger that writes to standard error. */
  readonly log?: Logger;
  /** Called with a sentence for people at each step that may take a while. */
  readonly say?: (message: string) => void;
  /** An engine that is known already; otherwise `dockerHost`, `DOCKER_HOST` and the usual sockets are tried. */
  readonly docker?: DockerConnection;
}

/**
 * Starts a control plane: database, schema, queue, loops, API, in this order. Whatever fails, what was started before is
 * stopped, and the error says what to do.
 */
export async function startHypervisor(config: Config, hooks: Hooks = {}): Promise<Hypervisor> {
  const log = hooks.log ?? pino({ level: config.logLevel, redact: [...redactedPaths] }, pino.destination(2));
  const started: (() => Promise<unknown>)[] = [];
  let stopping: Promise<void> | null = null;
  const stop = () => {
    stopping ??= stopAll(started, log);
    return stopping;
  };
  try {
    if (config.traces) started.push(await startTraces(config));
    await mkdir(config.dataDir, { recursive: true, mode: 0o755 });
    const databaseUrl = config.databaseUrl ?? (await embedded(config, hooks, started));
    const pool = openPool(databaseUrl, {
      onError: (error) => log.warn({ err: { message: error.message } }, 'a database connection broke'),
    });
    const db = databaseOn(pool);
    started.push(() => db.destroy());
    await migrate(db);
    await goOnBehindEvents(db);
    const id = await installationId(db);
    const secretKey = await openSecretKey(config.dataDir);
    if (secretKey.isChanging) await goOnChanging(db, secretKey, log);

    const runtimes = {
      docker: createDockerRuntime({
        installationId: id,
        connection: hooks.docker ?? (await dockerConnection(config.dockerHost)),
        networkRange: config.networkRange,
      }),
      simulated:
        config.role === 'all' ? createSimulatedRuntime({ clock: realClock }) : createSharedSimulatedRuntime({ db }),
    };
    const queue = await openTaskQueue({
      backend:
        config.redisUrl === null ? { kind: 'postgres', url: databaseUrl } : { kind: 'redis', url: config.redisUrl },
      name: `hypervisor-${id}`,
      log,
    });
    const registry = new Registry();
    measurePool(registry, pool);
    const webhookRules = addressRules(config.webhookAllow);
    const processId = uuidv7();
    const signals = await joinProcesses({
      db,
      log,
      databaseUrl,
      self: { id: processId, role: config.role, host: hostname(), pid: process.pid },
    });
    started.push(() => signals.close());
    const control = await createControlPlane({
      role: config.role,
      processId,
      signals,
      metrics: createControlMetrics(registry, db),
      db,
      log,
      queue,
      runtimes,
      secretKey,
      readEngines: () =>
        readStoredEngines(db, secretKey, (engine, error) =>
          log.error({ err: error, engine }, 'the credentials of an engine cannot be read: give it new ones'),
        ),
      connect({ address, credentials, swarm }) {
        const { options, close } = connectionTo(parseEngineAddress(address), credentials);
        if (swarm === null) return { runtime: createDockerRuntime({ installationId: id, connection: options }), close };
        const manager = connectionTo(parseEngineAddress(swarm.address), credentials);
        return {
          runtime: createSwarmRuntime({
            installationId: id,
            manager: manager.options,
            nodeId: swarm.nodeId,
            node: options,
          }),
          close() {
            close();
            manager.close();
          },
        };
      },
      connectSwarm({ address, credentials, nodeAddress }) {
        const { options, close } = connectionTo(parseEngineAddress(address), credentials);
        return { manager: swarmManager({ connection: options, address, nodeAddress }), close };
      },
      submitScheduled: createScheduledSubmitter(db),
      credentialFor: createPullCredentials(db, secretKey),
      webhookRules,
    });
    started.push(() => control.close());

    const dashboard = createDashboardFiles();
    const server = hasPartIn(config.role, 'api')
      ? createServer({
          db,
          dashboard,
          control,
          secretKey,
          logger: log,
          registry,
          webhookRules,
          config: {
            registration: config.registration,
            secureCookies: config.secureCookies,
            hostPaths: config.hostPaths,
            uploadBytesMax: config.uploadBytesMax,
            signInLimit: { max: config.signInsPerMinute, perSeconds: 60 },
            registerLimit: { max: config.signInsPerMinute, perSeconds: 60 },
          },
        })
      : createOperationServer({ db, logger: log, registry });
    started.push(() => server.close());
    const url = await server.listen({ host: config.host, port: config.port });
    return { url, db, installationId: id, runtimes, makeDashboard: dashboard, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Loaded here: few trace. */
async function startTraces(config: Config): Promise<() => Promise<void>> {
  const { exportTraces } = await import('./tracing/export.ts');
  return exportTraces({ 'hypervisor.role': config.role, 'host.name': hostname() });
}

async function embedded(config: Config, hooks: Hooks, started: (() => Promise<unknown>)[]): Promise<string> {
  await refuseMoved(config.dataDir);
  hooks.say?.('starting the embedded PostgreSQL');
  const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir });
  started.push(() => postgres.stop());
  return postgres.url;
}

/** A change of the key that was cut off: both are read, so that nothing depends on its end. */
async function goOnChanging(db: Database, secretKey: SecretKey, log: Logger): Promise<void> {
  await secretKey
    .change(() => reEncrypt(db, secretKey))
    .catch((error: unknown) => log.warn({ err: error }, 'the change of the secret key is not complete'));
}

async function stopAll(started: readonly (() => Promise<unknown>)[], log: Logger): Promise<void> {
  for (const stop of started.toReversed()) {
    try {
      await stop();
    } catch (error) {
      log.warn({ err: error }, 'a part did not stop cleanly');
    }
  }
}
