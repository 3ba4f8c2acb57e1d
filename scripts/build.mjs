// Makes dist/: all that an installation without sources needs, for the image (Dockerfile).
//
//   node scripts/build.mjs
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiled } from './compiled.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

/** What is started as a program: each becomes a bundle. */
const programs = ['src/cli/main.ts', 'src/solver/serve.ts'];
/** What is read or run as it is. Where it is found from the root, it stays. */
const asTheyAre = [
  'LICENSE',
  'package.json',
  'bin',
  'scripts/compiled.mjs',
  'scripts/dashboard.mjs',
  'src/simulate/html/page.css',
  'src/simulate/html/page.js',
  'src/solver/thread.mjs',
];

rmSync(dist, { recursive: true, force: true });
for (const file of asTheyAre) copy(join(root, file), join(dist, file));
for (const program of programs) {
  const bundle = fileURLToPath(await compiled(program));
  if (!bundle.endsWith('.mjs')) throw new Error(`${program} could not be bundled: are all dependencies installed?`);
  copy(dirname(bundle), join(dist, 'built', program));
}
const dashboard = execFileSync(process.execPath, [join(root, 'scripts/dashboard.mjs')], { encoding: 'utf8' }).trim();
copy(dashboard, join(dist, 'built', 'dashboard'));
for (const path of runtimePackages()) copy(join(root, path), join(dist, path));
process.stdout.write(`${dist}\n`);

/**
 * Those that are installed, without what is for development only. Not by "npm prune": in an image, where they are in a layer below, that
 * copies each package that it removes.
 */
function runtimePackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).flatMap(([path, { dev }]) => {
    const isOnTop = path.lastIndexOf('node_modules/') === 0;
    return isOnTop && dev !== true && existsSync(join(root, path)) ? [path] : [];
  });
}

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, preserveTimestamps: true });
}
