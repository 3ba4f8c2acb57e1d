// Runs a program of this repository after making sure that its dependencies are there: on a fresh clone there are none yet, so
// that this file uses nothing but Node itself.
//
//   node scripts/with-dependencies.mjs PROGRAM [ARGUMENTS…]
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  console.error(`Hypervisor needs Node 20.11 or later; this is ${process.versions.node}.`);
  process.exit(1);
}

const [program, ...programArguments] = process.argv.slice(2);
if (program === undefined) {
  console.error('usage: node scripts/with-dependencies.mjs PROGRAM [ARGUMENTS…]');
  process.exit(2);
}
if (!isInstalled()) install();
run(program, programArguments);

/**
 * npm writes down what it has installed, when it has done so: it must be what the lock file says, but for what npm may leave
 * out (parts for other machines).
 */
function isInstalled() {
  const wanted = packagesOf('package-lock.json');
  const installed = packagesOf('node_modules/.package-lock.json');
  if (wanted === null) return true;
  if (installed === null) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional, peer }]) => {
    const found = installed[path];
    if (found === undefined) return path === '' || optional === true || peer === true;
    return found.version === version && found.integrity === integrity;
  });
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return null;
  }
}

function install() {
  console.error('Installing dependencies (npm ci)…');
  const startedAt = Date.now();
  // Those for development too, whatever the environment says: the sources are run as they are.
  const { status, error } = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    if (error) console.error(`npm could not be run: ${error.message}. Is npm installed?`);
    else console.error('npm ci failed: see above. Is the npm registry reachable?');
    process.exit(1);
  }
  console.error(`Dependencies installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
}

function run(file, args) {
  const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const child = spawn(process.execPath, [...loader, join(root, file), ...args], { stdio: 'inherit' });
  // The program cleans up and ends, and then we do. Ctrl-C in a terminal reaches it without us.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`Node could not be run: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
