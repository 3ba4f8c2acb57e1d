/** The image, built and started on the real engine. By itself: `npm run test:image`. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { until } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { developmentPackages, makeNodeImages } from '../support/node-image.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const execute = promisify(execFile);
const maxBuffer = 64 * 1024 * 1024;

describe('the image', () => {
  const { docker, host } = requireEngine();
  const name = 'hypervisor:test';
  const ids: string[] = [];
  afterAll(async () => {
    for (const id of ids) await docker.getContainer(id).remove({ force: true, v: true });
    // Where a developer's own engine is used, it gets none of them to keep.
    for (const image of [name, 'hypervisor/node-build:test', 'hypervisor/node:test'])
      await docker
        .getImage(image)
        .remove({ force: true })
        .catch(() => undefined);
  });

  test('is built of a base of one’s own, runs as nobody special, answers, and ends when it is told to', async () => {
    const { base, build } = await makeNodeImages(host, root);
    const bases = ['--build-arg', `BUILD_IMAGE=${build}`, '--build-arg', `BASE_IMAGE=${base}`];
    // The classic builder: the other one is a plug-in that Debian does not have. No network: all that is needed is there.
    await execute('docker', ['--host', host, 'build', '--network', 'none', ...bases, '--tag', name, root], {
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
      maxBuffer,
    });
    const container = await docker.createContainer({
      Image: name,
      // The check is the image's own; only asked for more often.
      Healthcheck: { Interval: 1e9, Timeout: 20e9, StartPeriod: 120e9 },
      HostConfig: { NetworkMode: 'none', CapDrop: ['ALL'], Init: false },
    });
    ids.push(container.id);
    await container.start();
    await until('it is healthy', async () => {
      const { State } = await container.inspect();
      if (!State.Running) throw new Error(`it ended: ${(await logOf(container.id)).slice(-2000)}`);
      return State.Health?.Status === 'healthy';
    });

    const page = `fetch('http://127.0.0.1:7420/').then((r) => r.text()).then((text) => console.log(process.getuid(), text))`;
    const { stdout } = await execute('docker', ['--host', host, 'exec', container.id, 'node', '-e', page]);
    expect(stdout).toMatch(/^1000 <!doctype html>/i);
    expect(stdout).toContain('/assets/');
    const list = `console.log(JSON.stringify(require('fs').readdirSync('/app')))`;
    const { stdout: files } = await execute('docker', ['--host', host, 'exec', container.id, 'node', '-e', list]);
    expect((JSON.parse(files) as string[]).toSorted()).toEqual(
      ['LICENSE', 'bin', 'built', 'node_modules', 'package.json', 'scripts', 'src'].toSorted(),
    );
    const kept = `console.log(JSON.stringify(process.argv.slice(1).filter((path) => require('fs').existsSync('/app/' + path))))`;
    const development = await developmentPackages(root);
    const { stdout: there } = await execute('docker', [
      '--host',
      host,
      'exec',
      container.id,
      'node',
      '-e',
      kept,
      ...development,
    ]);
    expect(JSON.parse(there)).toEqual([]);

    await container.stop({ t: 60 });
    expect((await container.inspect()).State).toMatchObject({ ExitCode: 0, OOMKilled: false });
    expect(await logOf(container.id)).toContain('Stopping; containers go on running.');
  });

  async function logOf(id: string): Promise<string> {
    const { stdout, stderr } = await execute('docker', ['--host', host, 'logs', id], { maxBuffer });
    return stdout + stderr;
  }
});
