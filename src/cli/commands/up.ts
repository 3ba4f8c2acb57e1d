import { Option } from 'commander';
import pc from 'picocolors';
import { type Config, logLevels } from '../../config.ts';
import { hasPartIn, type ProcessRole, processRoles } from '../../process-roles.ts';
import { type AddCommand, amount, options, wholeNumber } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import type { FirstStart, Limits } from '../first-start.ts';

interface UpOptions extends Limits {
  readonly role?: ProcessRole;
  readonly dataDir?: string;
  readonly host?: string;
  readonly port?: number;
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly dockerHost?: string;
  readonly registration?: 'open' | 'invite';
  readonly logLevel?: string;
}

export const addUp: AddCommand = (program) => {
  program
    .command('up')
    .description('run Hypervisor on this machine')
    .addOption(
      new Option('--role <role>', 'what this process does; default all; the others need --database-url').choices(
        processRoles,
      ),
    )
    .option('--data-dir <path>', 'where everything is kept')
    .option('--host <address>', 'the address to listen on; default 127.0.0.1')
    .option('--port <number>', 'the port; default 7420; 0: a free one', wholeNumber)
    .option('--ram <gb>', 'give the cluster "local" at most so much memory (first start)', amount)
    .option('--cpu <cores>', 'at most so many cores (first start)', amount)
    .option('--gpu <devices>', 'at most so many GPUs (first start)', amount)
    .option('--database-url <url>', 'a PostgreSQL server instead of the embedded one')
    .option('--redis-url <url>', 'a Redis for the tasks')
    .option('--docker-host <host>', 'the engine: unix:///path or tcp://host:port')
    .addOption(new Option('--registration <mode>', 'who may register').choices(['open', 'invite'] as const))
    .addOption(
      new Option('--log-level <level>', 'how much is logged on standard error; default warn').choices(logLevels),
    )
    .action(async (_options, command) => {
      await run(options<UpOptions>(command));
    });
};

async function run(given: UpOptions): Promise<void> {
  // Loaded here and not above: every other command starts without the server.
  const [{ makeConfig }, { startHypervisor }, { firstStart }] = await Promise.all([
    import('../../config.ts'),
    import('../../main.ts'),
    import('../first-start.ts'),
  ]);
  const config = makeConfig(settings(given));
  const stopRequested = untilSignal();
  console.error(pc.dim(`Starting, with its data in ${config.dataDir}`));
  const hypervisor = await startHypervisor(config, { say: (message) => console.error(pc.dim(message)) }).catch(
    (error: unknown) => {
      throw inPlainWords(error, config);
    },
  );
  try {
    if (!hasPartIn(config.role, 'api')) {
      console.log(`This ${config.role} is watched over at ${pc.bold(hypervisor.url)}/api/v1/health. Ctrl-C stops.`);
    } else {
      const first = await firstStart(hypervisor, given);
      console.log(first === null ? welcomeBack(hypervisor.url) : welcome(hypervisor.url, first));
      // Whoever opens the dashboard is told what went wrong with it; the API works without.
      hypervisor.makeDashboard().catch((error: unknown) => console.error(pc.yellow(String(error))));
    }
    await stopRequested;
    console.error(pc.dim('Stopping; containers go on running.'));
  } finally {
    await hypervisor.stop();
  }
}

function settings(given: UpOptions): Partial<Config> {
  const {
    role,
    dataDir,
    host,
    port,
    databaseUrl,
    redisUrl,
    dockerHost,
    registration,
    logLevel = process.env['HYPERVISOR_LOG_LEVEL'] ?? 'warn',
  } = given;
  return { role, dataDir, host, port, databaseUrl, redisUrl, dockerHost, registration, logLevel };
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function inPlainWords(error: unknown, config: Config): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return new CliError(`port ${config.port} is taken`, exitCodes.conflict, [
      'Is Hypervisor running already? Try: hv whoami',
      'Or choose another: --port 7421',
    ]);
  }
  if (code === 'EACCES') {
    return new CliError(`${config.dataDir} can't be written to`, exitCodes.failure, [
      'Choose another directory with --data-dir',
    ]);
  }
  return error;
}

function welcome(url: string, first: FirstStart): string {
  return [
    '',
    `Hypervisor runs at ${pc.bold(url)}`,
    '',
    `Sign in as ${pc.bold(first.username)} with the password ${pc.bold(first.password)}`,
    'It is shown this once; the command line of this user is signed in already.',
    '',
    ...(first.cluster === null ? withoutEngine(first.engineMessage) : withCluster(first.cluster)),
    `The API is described at ${url}/api/docs. Ctrl-C stops.`,
    '',
  ].join('\n');
}

function withCluster({ ram, cpu, gpu }: NonNullable<FirstStart['cluster']>): string[] {
  return [
    `This machine is the cluster ${pc.bold('local')}: ${ram} GB of RAM, ${cpu} cores, ${gpu} GPUs.`,
    '',
    `Next, in another terminal:  ${pc.bold('npm run --silent hv -- submit --image busybox --ram 0.1 --cpu 0.5 -- echo hello')}`,
  ];
}

/** It is found by itself once it runs; what it has to give is for people to say then. */
function withoutEngine(message: string | null): string[] {
  return [
    `${pc.yellow('There is no cluster yet')}: ${message}. Start it, or name another with --docker-host.`,
    '',
    `Then, in another terminal:  ${pc.bold('npm run --silent hv -- cluster create local --ram 4 --cpu 2')}`,
  ];
}

function welcomeBack(url: string): string {
  return `\nHypervisor runs at ${pc.bold(url)}\nNext, in another terminal:  ${pc.bold('npm run --silent hv -- ps')}\nCtrl-C stops.\n`;
}
