/** The Docker Engine of the tests, as anybody with its socket sees it: what really exists, told by label. */
import Docker from 'dockerode';

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly deploymentId: string;
  readonly state: string;
}

/** One entry of the engine's event stream. */
export interface EngineEvent {
  readonly action: string;
  readonly name: string;
  readonly deploymentId: string;
  readonly attempt: number;
  readonly replica: number;
  readonly run: number;
  /** Of the action `die`. */
  readonly exitCode: number | null;
}

export interface EnginePort {
  readonly docker: Docker;
  /** As the configuration of a service takes it. */
  readonly host: string;
  readonly image: string;
  containersOf(deploymentIds: readonly string[]): Promise<Container[]>;
  removeContainersOf(deploymentIds: readonly string[]): Promise<void>;
  /** Everything that the engine does to containers of ours from now on. */
  record(): Promise<{ readonly events: readonly EngineEvent[]; stop(): void }>;
}

export const deploymentLabel = 'hypervisor.deployment';

/** Undefined where the tests have no engine. */
export function enginePort(): EnginePort | undefined {
  const socketPath = process.env['HYPERVISOR_TEST_DOCKER_SOCKET'];
  const given = process.env['HYPERVISOR_TEST_DOCKER_HOST'];
  const host = given ?? (socketPath === undefined ? undefined : `unix://${socketPath}`);
  return host === undefined ? undefined : enginePortAt(host, process.env['HYPERVISOR_TEST_IMAGE'] ?? 'busybox');
}

/** `image` is one that this engine has. */
export function enginePortAt(host: string, image: string): EnginePort {
  const docker = dockerAt(host);

  async function containersOf(deploymentIds: readonly string[]): Promise<Container[]> {
    const wanted = new Set(deploymentIds);
    const listed = await docker.listContainers({ all: true, filters: { label: [deploymentLabel] } });
    return listed
      .map((one) => ({
        id: one.Id,
        name: one.Names[0]?.replace(/^\//, '') ?? '',
        deploymentId: one.Labels[deploymentLabel] ?? '',
        state: one.State,
      }))
      .filter((one) => wanted.has(one.deploymentId));
  }

  return {
    docker,
    host,
    image,
    containersOf,
    async removeContainersOf(deploymentIds) {
      for (const { id } of await containersOf(deploymentIds)) {
        // Somebody else may have removed it just now.
        await docker
          .getContainer(id)
          .remove({ force: true })
          .catch(() => undefined);
      }
    },
    async record() {
      const events: EngineEvent[] = [];
      const stream = await docker.getEvents({ filters: { type: ['container'], label: [deploymentLabel] } });
      let rest = '';
      stream.on('error', () => undefined);
      stream.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString('utf8')).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') events.push(engineEvent(line));
      });
      return { events, stop: () => (stream as NodeJS.ReadableStream & { destroy(): void }).destroy() };
    },
  };
}

function engineEvent(line: string): EngineEvent {
  const { Action, Actor } = JSON.parse(line) as { Action: string; Actor: { Attributes: Record<string, string> } };
  return {
    action: Action,
    name: Actor.Attributes['name'] ?? '',
    deploymentId: Actor.Attributes[deploymentLabel] ?? '',
    attempt: Number(Actor.Attributes['hypervisor.attempt']),
    replica: Number(Actor.Attributes['hypervisor.replica']),
    run: Number(Actor.Attributes['hypervisor.run']),
    exitCode: Actor.Attributes['exitCode'] === undefined ? null : Number(Actor.Attributes['exitCode']),
  };
}

function dockerAt(host: string): Docker {
  if (host.startsWith('unix://')) return new Docker({ socketPath: host.slice('unix://'.length) });
  const { hostname, port } = new URL(host.replace(/^tcp:/, 'http:'));
  return new Docker({ host: hostname, port, protocol: 'http' });
}

/** The engine, where a test cannot do without it. */
export function requireEngine(): EnginePort {
  const engine = enginePort();
  if (engine === undefined) throw new Error('there is no Docker Engine: HYPERVISOR_TEST_DOCKER_SOCKET is not set');
  return engine;
}
