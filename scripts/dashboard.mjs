// Builds the dashboard (web/) when it is needed and again after any change, and prints the folder that it is in:
//
//   node scripts/dashboard.mjs
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

// Whatever the caller is doing: with NODE_ENV=test or development, React's own checks would be built in, which are slow and large.
process.env['NODE_ENV'] = 'production';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache', 'dashboard');
/** Since it was made: pages that are open still load parts of it. */
const keptForMs = 7 * 24 * 3600_000;
/** What is smaller gains nothing by compression. */
const compressedFromBytes = 1024;

// An installation without sources (scripts/build.mjs) has it built.
const dir = existsSync(join(root, 'web')) ? join(cache, fingerprint()) : join(root, 'built', 'dashboard');
if (!existsSync(join(dir, 'index.html'))) await make();
process.stdout.write(`${dir}\n`);

/** Of all that it is made of, by time and size. */
function fingerprint() {
  const hash = createHash('sha256').update(root);
  const files = [
    'scripts/dashboard.mjs',
    'node_modules/.package-lock.json',
    ...filesIn('web'),
    ...filesIn('src/sdk'),
    ...filesIn('schema'),
  ];
  for (const file of files) {
    const found = statSync(join(root, file), { throwIfNoEntry: false });
    hash.update(`${file} ${found?.mtimeMs} ${found?.size}\n`);
  }
  return hash.digest('hex').slice(0, 24);
}

function filesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .filter((file) => !file.startsWith(join('web', 'dist')))
    .toSorted();
}

/** Under a name of its own first: several processes may be at it, and each is to find all of it or nothing. */
async function make() {
  const { build } = await import('vite');
  const made = `${dir}.${randomBytes(6).toString('hex')}`;
  mkdirSync(cache, { recursive: true });
  try {
    await build({
      configFile: join(root, 'web', 'vite.config.ts'),
      logLevel: 'warn',
      // Standard output is for the name of the folder.
      customLogger: quiet(),
      build: { outDir: made, emptyOutDir: true },
    });
    compress(made);
    renameSync(made, dir);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    // Somebody else was first.
    if (!existsSync(join(dir, 'index.html'))) throw error;
  }
  removeOld();
}

function say(message) {
  process.stderr.write(`${message}\n`);
}

function quiet() {
  return {
    info: () => {},
    warn: say,
    warnOnce: say,
    error: say,
    clearScreen: () => {},
    hasErrorLogged: () => false,
    hasWarned: false,
  };
}

/** Once, here: to compress at each request would take longer than the request. */
function compress(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isFile() || !/\.(?:js|css|html|svg|json)$/.test(entry.name)) continue;
    const content = readFileSync(path);
    if (content.length < compressedFromBytes) continue;
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
  }
}

function removeOld() {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (path !== dir && found !== undefined && Date.now() - found.mtimeMs > keptForMs) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}
