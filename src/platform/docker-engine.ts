/** Finds a Docker Engine, or makes one: for the demo and the tests, which must work on a machine that has none. */
import { installPackages, isDebianRoot } from './apt.ts';
import { type DockerConnection, findDockerConnection } from './docker-connection.ts';
import { startPrivateEngine } from './docker-private.ts';
import { exists } from './files.ts';

export interface DockerEngine {
  readonly connection: DockerConnection;
  /** As DOCKER_HOST says it. */
  readonly host: string;
  /** Null where the engine is reached over TCP. */
  readonly socketPath: string | null;
  /** Ends the engine if it was started here, with its containers; one that was found goes on. */
  stop(): Promise<void>;
}

export interface ProvisionOptions {
  /** Called with what is about to be done, before it is done. */
  readonly say: (message: string) => void;
  /** Where a private engine keeps its images and containers. */
  readonly dataRoot: string;
}

const daemons = ['/usr/sbin/dockerd', '/usr/bin/dockerd', '/usr/local/bin/dockerd'];

/** The engine that is there already; null where none answers. */
export async function findDockerEngine(): Promise<DockerEngine | null> {
  const connection = await findDockerConnection();
  if (connection === null) return null;
  const socketPath = connection.socketPath ?? null;
  const host = socketPath === null ? `tcp://${connection.host}:${connection.port}` : `unix://${socketPath}`;
  return { connection, host, socketPath, stop: () => Promise.resolve() };
}

/**
 * The engine that is there, or a private one: started from an installed `dockerd`, which on Debian as root is installed first.
 *
 * @throws where neither is possible, with what to do.
 */
export async function provisionDockerEngine(options: ProvisionOptions): Promise<DockerEngine> {
  const found = await findDockerEngine();
  if (found !== null) return found;
  const host = process.env['DOCKER_HOST'];
  // Whoever names one wants that one.
  if (host) throw new Error(`no Docker Engine answers at DOCKER_HOST=${host}: start it, or unset DOCKER_HOST`);
  return startPrivateEngine(await findOrInstallDaemon(options.say), options);
}

async function findOrInstallDaemon(say: (message: string) => void): Promise<string> {
  const installed = await installedDaemon();
  if (process.getuid?.() !== 0) {
    throw new Error(
      installed === null
        ? 'no Docker Engine answers: install one, or set DOCKER_HOST to one'
        : 'no Docker Engine answers: start it (systemctl start docker), become a member of the group "docker", or set DOCKER_HOST',
    );
  }
  if (installed !== null) return installed;
  if (!(await isDebianRoot())) throw new Error('no Docker Engine was found: install one, or set DOCKER_HOST to one');
  say("no Docker Engine answers: installing Debian's docker.io with apt-get; its service is not started");
  await installPackages(['docker.io', 'iptables', 'iproute2']);
  const now = await installedDaemon();
  if (now === null) throw new Error('docker.io was installed, but brought no dockerd: install a Docker Engine by hand');
  return now;
}

async function installedDaemon(): Promise<string | null> {
  for (const path of daemons) if (await exists(path)) return path;
  return null;
}
