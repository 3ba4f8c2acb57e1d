import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { AddCommand } from './command.ts';
import { addApply, addDiff, addPlan } from './commands/apply.ts';
import { addBackup, addRestore } from './commands/backup.ts';
import { addClusters, addTop } from './commands/clusters.ts';
import { addCompletion } from './commands/completion.ts';
import { addContext } from './commands/context.ts';
import { addCopy } from './commands/cp.ts';
import { addCron } from './commands/cron.ts';
import { addDescribe, addPs, addVerbs } from './commands/deployments.ts';
import { addEngines } from './commands/engines.ts';
import { addEvents } from './commands/events.ts';
import { addExec } from './commands/exec.ts';
import { addExport } from './commands/export.ts';
import { addLogin } from './commands/login.ts';
import { addLogs } from './commands/logs.ts';
import { addMigrateTo } from './commands/migrate-to.ts';
import { addNodes } from './commands/nodes.ts';
import { addInvites, addMembers, addOrganizations, addRegistries, addTokens } from './commands/organizations.ts';
import { addPortForward } from './commands/port-forward.ts';
import { addQueue, addSchedule } from './commands/queue.ts';
import { addSecrets } from './commands/secrets.ts';
import { addSimulate } from './commands/simulate.ts';
import { addStats } from './commands/stats.ts';
import { addSubmit } from './commands/submit.ts';
import { addUp } from './commands/up.ts';
import { addUpdate } from './commands/update.ts';
import { addVolumes } from './commands/volumes.ts';
import { addWebhooks } from './commands/webhooks.ts';
import { exitCodes } from './exit-codes.ts';

/** In the order of the help text. */
const commands: readonly AddCommand[] = [
  addUp,
  addLogin,
  addContext,
  addSubmit,
  addPlan,
  addApply,
  addDiff,
  addPs,
  addQueue,
  addDescribe,
  addLogs,
  addStats,
  addExec,
  addCopy,
  addPortForward,
  addVerbs,
  addCron,
  addUpdate,
  addSchedule,
  addSimulate,
  addExport,
  addEvents,
  addTop,
  addClusters,
  addNodes,
  addVolumes,
  addSecrets,
  addEngines,
  addOrganizations,
  addMembers,
  addInvites,
  addTokens,
  addRegistries,
  addWebhooks,
  addBackup,
  addRestore,
  addMigrateTo,
  addCompletion,
];

function version(): string {
  const path = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

export function createProgram(): Command {
  const program = new Command('hv')
    .description(
      'Hypervisor shares clusters of GPUs, cores and memory: submit containers, and they run when it is their turn.',
    )
    .version(version(), '-V, --version')
    .option('--context <name>', 'use this context')
    .option('--url <url>', 'the service')
    .option('--token <token>', 'an API token')
    .option('--json', 'one JSON document, and nothing else')
    .option('--no-color', 'without colors')
    .option('-q, --quiet', 'say nothing that was not asked for')
    .showHelpAfterError('(hv --help shows what there is)')
    .enablePositionalOptions(false)
    .configureHelp({ showGlobalOptions: false });
  for (const add of commands) add(program);
  program
    .command('version')
    .description('the version of this program')
    .action(() => console.log(version()));
  throwOnExit(program);
  return program;
}

/** Wrong usage ends with 2, whichever command it was: that of commander would be 1. */
function throwOnExit(command: Command): void {
  command.exitOverride((error) => {
    process.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
  });
  for (const sub of command.commands) throwOnExit(sub);
}
