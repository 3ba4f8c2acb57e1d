import { join } from 'node:path';
import type { BackupResult, RestoreResult } from '../../move/backup.ts';
import type { Totals } from '../../move/contents.ts';
import { type AddCommand, options } from '../command.ts';
import { print, say } from '../output.ts';

interface PlaceOptions {
  readonly dataDir?: string;
  readonly databaseUrl?: string;
}

export const addBackup: AddCommand = (program) => {
  program
    .command('backup')
    .description('write all of this installation to a file; it may run meanwhile')
    .argument('<file>', 'where to; it must not be there yet')
    .option('--data-dir <path>', 'where the installation keeps its data')
    .option('--database-url <url>', 'the PostgreSQL that it uses, if not the embedded one')
    .option('--with-key', 'put secret.key into the file, too: whoever has the file can read all secrets then')
    .action(async (file: string, _options, command) => {
      const given = options<PlaceOptions & { withKey?: boolean }>(command);
      const [{ makeConfig }, { backUp }] = await load();
      const { dataDir, databaseUrl } = makeConfig(given);
      const place = { dataDir, databaseUrl, say: (message: string) => say(given, message) };
      const made = await backUp(file, { ...place, withKey: given.withKey === true });
      print(given, { file, ...made }, () => backupText(file, dataDir, made));
    });
};

export const addRestore: AddCommand = (program) => {
  program
    .command('restore')
    .description('bring back what a backup holds, to an empty place')
    .argument('<file>', 'what "backup" has written')
    .option('--data-dir <path>', 'where the installation is to keep its data')
    .option('--database-url <url>', 'the PostgreSQL to restore to, if not the embedded one')
    .option('--replace', 'delete first what is there')
    .action(async (file: string, _options, command) => {
      const given = options<PlaceOptions & { replace?: boolean }>(command);
      const [{ makeConfig }, { restore }] = await load();
      const { dataDir, databaseUrl } = makeConfig(given);
      const place = { dataDir, databaseUrl, say: (message: string) => say(given, message) };
      const restored = await restore(file, { ...place, replace: given.replace === true });
      print(given, { file, ...restored }, () => restoreText(dataDir, restored));
    });
};

/** Here and not above: every other command starts without it. */
function load() {
  return Promise.all([import('../../config.ts'), import('../../move/backup.ts')]);
}

function backupText(file: string, dataDir: string, { place, totals, keys }: BackupResult): string {
  const key = join(dataDir, 'secret.key');
  const keyText = {
    inside: 'It has secret.key in it: whoever has the file can read every secret. Keep it as you would keep those.',
    outside: `It does not have secret.key in it, and without that no secret can be read: keep a copy of ${key} in another place.`,
    none: `There is no ${key}: keep a copy of the one that the control plane uses, or no secret of this backup can be read.`,
  };
  return `Wrote ${sizes(totals)} of ${place} to ${file}.\n${keyText[keys]}`;
}

function restoreText(dataDir: string, { place, madeAt, totals, keys }: RestoreResult): string {
  const key = join(dataDir, 'secret.key');
  const keyText = {
    fit: `Secrets can be read: ${key} is the one of then.`,
    missing: `Before you start it, put the secret.key of then at ${key}, readable by its owner only: without it no secret can be read.`,
    unknown: `Before you start it, make sure that ${key} is the one of then: without it no secret can be read.`,
  };
  return [
    `Restored ${sizes(totals)}, as of ${madeAt}, to ${place}. All was counted and compared.`,
    keyText[keys],
    'Tasks are made again by themselves. Next: hypervisor up',
  ].join('\n');
}

export function sizes(totals: Totals): string {
  const tables = Object.values(totals);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return `${rows.toLocaleString('en')} rows in ${tables.length} tables`;
}
