/**
 * `npm run demo`: a control plane of its own on this machine, a small cluster, and the deployments of examples/quickstart.yaml.
 * Shows what the scheduler does with them, and checks that it is what the file says must come of it. Exits with 0 only then.
 */
import { fileURLToPath } from 'node:url';
import { CleanUp, Interrupted, interruption } from './clean-up.ts';
import { Observer } from './observe.ts';
import { checklist, timetable } from './report.ts';
import { openScreen } from './screen.ts';
import { type Part, readScript } from './script.ts';
import { setUp } from './set-up.ts';
import { type Outcome, playStory } from './story.ts';
import { judge } from './verdict.ts';

const file = fileURLToPath(new URL('../examples/quickstart.yaml', import.meta.url));

async function main(): Promise<number> {
  const signal = interruption();
  const cleanUp = new CleanUp();
  const screen = openScreen(process.stdout);
  let code: number;
  try {
    const parts = await readScript(file);
    const { client, cluster } = await setUp({ cleanUp, signal, say });
    say('submitting the deployments of examples/quickstart.yaml');
    const observer = new Observer(client, cluster.id);
    const show = screen.show.bind(screen);
    const outcome = await playStory({ client, clusterId: cluster.id, observer, signal, show }, parts);
    screen.close();
    code = report(parts, outcome);
  } catch (error) {
    screen.close();
    code = explain(signal.aborted ? signal.reason : error);
  }
  const failures = await cleanUp.run();
  for (const failure of failures) process.stderr.write(`could not clean up ${failure}\n`);
  return failures.length > 0 ? 1 : code;
}

function say(message: string): void {
  process.stdout.write(`· ${message}\n`);
}

function report(parts: readonly Part[], outcome: Outcome): number {
  const width = process.stdout.isTTY ? process.stdout.columns : 160;
  const checks = judge(parts, outcome);
  const failed = checks.filter((check) => !check.ok).length;
  const verdict =
    failed === 0
      ? `All ${checks.length} checks hold: everything went as examples/quickstart.yaml says it must.`
      : `${failed} of ${checks.length} checks failed.`;
  const lines = [
    '',
    'What ran when, in seconds since the submission, and why then:',
    '',
    ...timetable(parts, outcome, width),
    '',
    ...checklist(checks, width),
    '',
    verdict,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return failed === 0 ? 0 : 1;
}

function explain(error: unknown): number {
  if (error instanceof Interrupted) {
    process.stderr.write(`\n${error.message}; taking everything away again\n`);
    return error.signalName === 'SIGINT' ? 130 : 143;
  }
  process.stderr.write(
    `\nthe demo failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}

process.exitCode = await main();
