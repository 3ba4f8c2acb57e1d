import { homedir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';

/** How an engine is reached, as dockerode takes it. */
export type DockerConnection = Docker.DockerOptions;

const defaultSocket = '/var/run/docker.sock';
const pingMs = 2_000;

/**
 * Reads what `DOCKER_HOST` holds: `unix:///path` or `tcp://host:port`.
 *
 * @throws in plain words for anything else.
 */
export function parseDockerHost(host: string): DockerConnection {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  if (host.startsWith('/')) return { socketPath: host };
  const url = URL.canParse(host) ? new URL(host) : null;
  if (url?.protocol === 'tcp:' || url?.protocol === 'http:') {
    return { protocol: 'http', host: url.hostname, port: Number(url.port || 2375) };
  }
  throw new Error(
    `the Docker host "${host}" is not understood: it must be unix:///path/to/docker.sock or tcp://host:port`,
  );
}

/** Where engines usually listen, in the order in which they are tried. */
function usualSockets(env: NodeJS.ProcessEnv): string[] {
  const runtimeDir = env['XDG_RUNTIME_DIR'];
  return [
    defaultSocket,
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, 'docker.sock')]),
    join(homedir(), '.docker', 'run', 'docker.sock'),
  ];
}

/** The first engine that answers: `DOCKER_HOST` where it is set, and then no other; else the usual sockets. */
export async function findDockerConnection(env: NodeJS.ProcessEnv = process.env): Promise<DockerConnection | null> {
  const host = env['DOCKER_HOST'];
  const candidates = host ? [parseDockerHost(host)] : usualSockets(env).map((socketPath) => ({ socketPath }));
  for (const connection of candidates) if (await answers(connection)) return connection;
  return null;
}

export async function answers(connection: DockerConnection): Promise<boolean> {
  try {
    await new Docker({ ...connection, timeout: pingMs }).ping();
    return true;
  } catch {
    return false;
  }
}

/**
 * The connection to work with. An engine that does not answer now may do so later, so that there always is one: the host that
 * was named, one that was found, or the usual socket.
 */
export async function dockerConnection(host: string | null): Promise<DockerConnection> {
  if (host !== null) return parseDockerHost(host);
  return (await findDockerConnection()) ?? { socketPath: defaultSocket };
}
