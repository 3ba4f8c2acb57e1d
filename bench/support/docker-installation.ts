/** A control plane with an engine of its own that has the small image, and nothing left on it at the end. */
import Docker from 'dockerode';
import { ensureBusyboxImage } from '../../src/platform/busybox-image.ts';
import { provisionDockerEngine } from '../../src/platform/docker-engine.ts';
import type { BenchContext } from './bench.ts';
import { type Installation, openInstallation } from './installation.ts';
import { temporaryDirectory } from './store.ts';

export async function openDockerInstallation(
  context: BenchContext,
): Promise<{ readonly docker: Docker; readonly installation: Installation }> {
  const dataRoot = await temporaryDirectory(context);
  const engine = await context.acquire(
    'the Docker Engine',
    () => provisionDockerEngine({ say: context.say, dataRoot }),
    (opened) => opened.stop(),
  );
  const docker = new Docker(engine.connection);
  await ensureBusyboxImage(docker, { say: context.say });
  const installation = await openInstallation(context, engine.connection);
  await context.acquire(
    'the containers',
    () => Promise.resolve(),
    () => removeAll(installation),
  );
  return { docker, installation };
}

/** What an interrupted run has left. */
async function removeAll({ hypervisor }: Installation): Promise<void> {
  const { docker } = hypervisor.runtimes;
  for (const container of await docker.list()) await docker.remove(container.key);
}
