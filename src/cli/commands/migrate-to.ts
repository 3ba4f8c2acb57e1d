import { join } from 'node:path';
import { type AddCommand, options } from '../command.ts';
import { print, say } from '../output.ts';
import { sizes } from './backup.ts';

export const addMigrateTo: AddCommand = (program) => {
  program
    .command('migrate-to')
    .description('move this installation from its embedded PostgreSQL to a server')
    .argument('<url>', 'an empty database there: postgres://USER:PASSWORD@HOST:PORT/DATABASE')
    .option('--data-dir <path>', 'where the installation keeps its data')
    .action(async (url: string, _options, command) => {
      const given = options<{ dataDir?: string }>(command);
      // Here and not above: every other command starts without it.
      const [{ makeConfig }, { withoutPassword }, { moveTo }] = await Promise.all([
        import('../../config.ts'),
        import('../../move/connect.ts'),
        import('../../move/move.ts'),
      ]);
      const { dataDir } = makeConfig(given);
      const totals = await moveTo(url, { dataDir, say: (message) => say(given, message) });
      const place = withoutPassword(url);
      print(given, { place, totals }, () =>
        [
          `Moved ${sizes(totals)} to ${place}. All was counted and compared.`,
          'Tasks were not moved: they are made again by themselves.',
          '',
          `Secrets go on being encrypted with ${join(dataDir, 'secret.key')}, which stays where it is. A control plane on another machine needs`,
          'a copy of it in its own data directory, readable by its owner only, before it is first started.',
          '',
          `Next:  DATABASE_URL=${place} hypervisor up   (with the password)`,
          `What was in ${join(dataDir, 'postgres')} is still there, and not used any more: delete it when all is well.`,
        ].join('\n'),
      );
    });
};
