/**
 * `npm test`: everything that must hold, one step after another, also when an earlier one failed. Its last line is
 * `N passed, N failed`: each test counts as one, and so does each check that is not a test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

interface Count {
  readonly passed: number;
  readonly failed: number;
  /** What failed, with the beginning of why: said again at the end, where a long log is read first. */
  readonly failures?: readonly string[];
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<Count>;
}

/** Programs of node_modules/.bin; one that ends with 0 has passed. What it says is printed when it has ended, as others run beside it. */
function check(name: string, program: string, args: readonly string[]): Step {
  return {
    name,
    async run() {
      const { code, output } = await execute(program, args, 'pipe');
      console.log(`\n── ${name}\n${output.trimEnd()}`);
      return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
    },
  };
}

function tests(name: string, ...projects: readonly string[]): Step {
  return {
    name,
    async run() {
      const dir = await mkdtemp(join(tmpdir(), 'hypervisor-results-'));
      try {
        const results = join(dir, 'results.json');
        const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
        console.log(`\n── ${name}`);
        const { code } = await execute(
          'vitest',
          ['run', ...projects.flatMap((one) => ['--project', one]), ...reporters],
          'inherit',
        );
        return await countOf(results, code);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    },
  };
}

/** Of what a test says why it failed: enough for the seed and the path of a property. */
const linesOfWhy = 12;

interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly name: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** What failed without a failed test (a file that could not be loaded, a set-up that broke) is a failure all the same. */
async function countOf(path: string, code: number): Promise<Count> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return { passed: 0, failed: 1 };
  const results = JSON.parse(text) as Results;
  const brokenFiles = results.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  const failed = results.numFailedTests + brokenFiles.length;
  const failures = [...results.testResults.flatMap(failuresOf), ...brokenFiles.map(({ name }) => relative(root, name))];
  return { passed: results.numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed, failures };
}

function failuresOf({ name, assertionResults }: Results['testResults'][number]): string[] {
  return assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => {
      const why = (failureMessages?.[0] ?? '').split('\n').slice(0, linesOfWhy).join('\n    ');
      return `${relative(root, name)}: ${fullName}\n    ${why}`;
    });
}

const running = new Set<ChildProcess>();

function execute(
  program: string,
  args: readonly string[],
  output: 'pipe' | 'inherit',
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(join(root, 'node_modules', '.bin', program), args, {
      cwd: root,
      stdio: ['ignore', output, output],
    });
    running.add(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk;
      });
    }
    const end = (code: number) => {
      running.delete(child);
      resolve({ code, output: said });
    };
    child.on('error', (error) => {
      said += String(error);
      end(1);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}

/** The compiler in Go: less than half of the work. The other one is there for those who call it. */
const nativeTsc = join('..', 'typescript-native', 'bin', 'tsc');

const checks: Step[] = [
  check('format', 'biome', ['ci', '--colors=off', '.']),
  check('types of the core', nativeTsc, ['-p', 'src/core/tsconfig.json']),
  check('types', nativeTsc, ['-p', 'tsconfig.json']),
  check('types of the dashboard', nativeTsc, ['-p', 'web/tsconfig.json']),
  check('lint', 'oxlint', ['--type-aware', '--deny-warnings']),
  check('unused', 'knip', []),
  check('generated files', 'tsx', ['scripts/check-sdk.ts']),
];
const unit = tests('unit and property tests', 'unit');
const integration = tests(
  'integration, conformance, fault, browser and image tests',
  'integration',
  'browser',
  'image',
);

// The steps under way get the signal too and take away what they started; the rest is not begun.
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    // Ctrl-C in a terminal reaches it without us.
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    for (const child of running) child.kill(signal);
  });
}

const startedAt = Date.now();
const total = { passed: 0, failed: 0 };
const summary: string[] = [];
const failures: string[] = [];

async function take(step: Step): Promise<void> {
  if (interrupted) return;
  const stepStartedAt = Date.now();
  const count = await step.run();
  total.passed += count.passed;
  total.failed += count.failed;
  failures.push(...(count.failures ?? []));
  const seconds = ((Date.now() - stepStartedAt) / 1000).toFixed(1);
  summary.push(
    `${count.failed === 0 ? '✓' : '✗'} ${step.name}: ${count.passed} passed, ${count.failed} failed, ${seconds} s`,
  );
}

async function takeInTurn(steps: readonly Step[]): Promise<void> {
  for (const step of steps) await take(step);
}

// Checks and unit tests wait for nothing but the processor; beside each other they leave less of it idle.
await Promise.all([takeInTurn(checks), take(unit)]);
await take(integration);
if (interrupted) total.failed += 1;
if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `✗ ${failure}`).join('\n')}`);
console.log(
  `\n${summary.join('\n')}\n${((Date.now() - startedAt) / 1000).toFixed(0)} s in all${interrupted ? ', interrupted' : ''}\n`,
);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
