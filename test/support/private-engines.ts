/** Engines of a test's own, beside the one that all tests share: they can be killed, and come back on the same data. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { DockerEngine } from '../../src/platform/docker-engine.ts';
import { startPrivateEngine } from '../../src/platform/docker-private.ts';
import { isRunning } from '../../src/platform/process.ts';
import { deploymentLabel, requireEngine } from './engine-port.ts';

export interface PrivateEngine {
  readonly socketPath: string;
  /** The image that every one of them has. */
  readonly image: string;
  /** `kill -9` of dockerd. */
  kill(): Promise<void>;
  /** Starts it again, on the same data. */
  start(): Promise<void>;
  /** Of these deployments, by id: the state of each container. */
  containersOf(
    ...deploymentIds: string[]
  ): Promise<{ readonly id: string; readonly state: string; readonly attempt: number }[]>;
  remove(): Promise<void>;
}

const say = () => undefined;
const executable = '/usr/sbin/dockerd';

/** From the engine that all tests share: to find and make it anew takes seconds each time. */
async function copyImage(to: Docker): Promise<string> {
  const { docker, image } = requireEngine();
  const answer = await to.loadImage(await docker.getImage(image).get());
  for await (const _ of answer) continue;
  await to.getImage(image).inspect();
  return image;
}

/** `flags` are added to those of every private engine: another host, `--live-restore`. `namespace`: the network namespace that it runs in. */
export async function openPrivateEngine(flags: readonly string[] = [], namespace?: string): Promise<PrivateEngine> {
  // Short: the paths of sockets are below it.
  const root = await mkdtemp(join(tmpdir(), 'hve-'));
  const launch = () =>
    startPrivateEngine(executable, { say, dataRoot: root, flags, ...(namespace !== undefined && { namespace }) });
  let engine: DockerEngine = await launch();
  const socketPath = join(root, 'docker.sock');
  const docker = new Docker({ socketPath });
  const image = await copyImage(docker);
  return {
    socketPath,
    image,
    async kill() {
      const pid = Number(await readFile(join(root, 'dockerd.pid'), 'utf8'));
      process.kill(pid, 'SIGKILL');
      while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    async start() {
      engine = await launch();
    },
    async containersOf(...deploymentIds) {
      const listed = await docker.listContainers({ all: true, filters: { label: [deploymentLabel] } });
      return listed
        .filter(({ Labels }) => deploymentIds.includes(Labels[deploymentLabel] ?? ''))
        .map(({ Id, State, Labels }) => ({ id: Id, state: State, attempt: Number(Labels['hypervisor.attempt']) }));
    },
    async remove() {
      await engine.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
