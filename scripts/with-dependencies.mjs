// Runs a program of this repository after making sure that its dependencies are there: on a fresh clone there are none yet, so
// that this file uses nothing but Node itself.
//
//   node scripts/with-dependencies.mjs PROGRAM [ARGUMENTS…]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.lock-hash');

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
installWhereNeeded();
run(program, programArguments);

function installWhereNeeded() {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  console.error('Installing dependencies (npm ci)…');
  const startedAt = Date.now();
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) {
    console.error('npm ci failed: see above. Is the npm registry reachable?');
    process.exit(1);
  }
  writeFileSync(stamp, hash);
  console.error(`Dependencies installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
}

function run(file, args) {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, file), ...args], {
    stdio: 'inherit',
    cwd: process.cwd(),
  });
  // Ctrl-C reaches the child by itself, through the terminal; anything else is handed on. Both end by the child's own clean-up.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 1;
  });
}
