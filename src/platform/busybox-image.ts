import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { exists } from './files.ts';

const run = promisify(execFile);

/** The small image of the demo and the tests. It is made on the machine: no registry has it. */
export const busyboxImage = 'hypervisor/busybox:local';

const upstream = 'busybox:stable';
/** Without a way to a registry, a pull would wait for long. */
const pullMs = 5_000;

/** Makes the image present: a pull where a registry can be reached, else from Debian's busybox-static. Returns its name. */
export async function ensureBusyboxImage(docker: Docker, { say }: { say: (message: string) => void }): Promise<string> {
  if (await isPresent(docker, busyboxImage)) return busyboxImage;
  if (await pullUpstream(docker)) {
    await docker.getImage(upstream).tag({ repo: 'hypervisor/busybox', tag: 'local' });
    return busyboxImage;
  }
  const binary = await findBinary(say);
  await importImage(docker, binary);
  return busyboxImage;
}

async function isPresent(docker: Docker, image: string): Promise<boolean> {
  return docker
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    );
}

async function pullUpstream(docker: Docker): Promise<boolean> {
  const abort = AbortSignal.timeout(pullMs);
  try {
    const stream = (await docker.pull(upstream, { abortSignal: abort })) as Readable;
    abort.addEventListener('abort', () => stream.destroy(new Error('the pull took too long')), { once: true });
    for await (const chunk of stream) if (String(chunk).includes('"error"')) return false;
    return await isPresent(docker, upstream);
  } catch {
    return false;
  }
}

/** A busybox that needs no libraries: the machine's, or taken out of Debian's package, without installing it. */
async function findBinary(say: (message: string) => void): Promise<Buffer> {
  for (const path of ['/bin/busybox', '/usr/bin/busybox']) {
    if ((await exists(path)) && (await isStatic(path))) return readFile(path);
  }
  say("fetching Debian's busybox-static for a small image");
  const dir = await mkdtemp(join(tmpdir(), 'hypervisor-busybox-'));
  try {
    await run('apt-get', ['--quiet', 'download', 'busybox-static'], { cwd: dir }).catch(async () => {
      await run('apt-get', ['--quiet', 'update']);
      await run('apt-get', ['--quiet', 'download', 'busybox-static'], { cwd: dir });
    });
    const archive = (await readdir(dir)).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get downloaded no package');
    await run('dpkg-deb', ['--extract', archive, 'root'], { cwd: dir });
    for (const path of ['bin/busybox', 'usr/bin/busybox']) {
      if (await exists(join(dir, 'root', path))) return await readFile(join(dir, 'root', path));
    }
    throw new Error('the package busybox-static holds no busybox');
  } catch (error) {
    throw new Error(
      'no small image could be made: install the Debian package busybox-static, or let the engine pull "busybox"',
      { cause: error },
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** A program that needs a loader names it in its headers; a static one has no such name in it. */
async function isStatic(path: string): Promise<boolean> {
  const start = (await readFile(path)).subarray(0, 4096);
  return !start.includes('/ld-') && !start.includes('/ld.so');
}

async function importImage(docker: Docker, binary: Buffer): Promise<void> {
  const archive = pack();
  for (const name of ['bin', 'etc', 'tmp', 'root'])
    archive.entry({ name, type: 'directory', mode: name === 'tmp' ? 0o1777 : 0o755 });
  archive.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/root:/bin/sh\n');
  archive.entry({ name: 'etc/group' }, 'root:x:0:\n');
  archive.entry({ name: 'bin/busybox', mode: 0o755 }, binary);
  for (const applet of applets) archive.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' });
  archive.finalize();
  const [repo, tag] = busyboxImage.split(':');
  const options = { repo, tag, changes: 'CMD ["sh"]' };
  const response = await docker.importImage(archive as unknown as Readable, options);
  const said: string[] = [];
  for await (const chunk of response) said.push(String(chunk));
  if (!(await isPresent(docker, busyboxImage)))
    throw new Error(`the engine did not import the image: ${said.join('')}`);
}

/** What shell scripts of the examples and tests call. */
const applets = `
  sh echo printf test true false env expr seq sleep usleep timeout date kill id hostname uname
  cat head tail grep sed awk wc tr cut sort uniq yes dd
  ls cp mv rm mkdir touch chmod basename dirname df sync vi
  ps top free ip ping nc wget httpd
`
  .trim()
  .split(/\s+/);
