import { mkdir } from 'node:fs/promises';
import { keyFileNames, readKeyFiles, writeKeyFile } from '../secret-key.ts';
import { keyId } from '../store/secrets/keyring.ts';
import { type Archive, openArchive, writeArchive } from './archive.ts';
import type { Totals } from './contents.ts';
import { fill } from './fill.ts';
import { forgetMoved } from './moved.ts';
import { openToRead, openToWrite, type PlaceOptions } from './place.ts';
import { createProgress } from './progress.ts';
import { readInstallation } from './read.ts';

export interface BackupResult {
  readonly place: string;
  readonly totals: Totals;
  readonly keys: 'inside' | 'outside' | 'none';
}

/** Writes all of an installation to a file, as it is at one moment; a control plane may run meanwhile. */
export async function backUp(file: string, options: PlaceOptions & { withKey: boolean }): Promise<BackupResult> {
  const keys = await readKeyFiles(options.dataDir);
  if (options.withKey && keys.size === 0)
    throw new Error(
      `there is no secret.key in ${options.dataDir}: name the data directory that has it with --data-dir`,
    );
  const from = await openToRead(options);
  try {
    const contents = await readInstallation(from.client, from.name, createProgress('reading', options.say));
    await writeArchive(file, {
      contents,
      madeAt: new Date(),
      keyIds: [...keys.values()].map(idText),
      keys: options.withKey ? keys : new Map<string, Buffer>(),
    });
    const outside = keys.size === 0 ? 'none' : 'outside';
    return { place: from.name, totals: contents.totals(), keys: options.withKey ? 'inside' : outside };
  } finally {
    await from.close();
  }
}

export interface RestoreResult {
  readonly place: string;
  readonly madeAt: string;
  readonly totals: Totals;
  /** Whether the keys in the data directory are those that the backup was made beside. */
  readonly keys: 'fit' | 'missing' | 'unknown';
}

/** The reverse: in one step, all or nothing. */
export async function restore(file: string, options: PlaceOptions & { replace: boolean }): Promise<RestoreResult> {
  const archive = await openArchive(file);
  try {
    await mkdir(options.dataDir, { recursive: true, mode: 0o755 });
    await checkKeys(archive, options.dataDir);
    const to = await openToWrite(options);
    try {
      // Before the data: a start in between would make another key, and never read what comes with this one.
      for (const [name, key] of knownKeys(archive)) await writeKeyFile(options.dataDir, name, key);
      const totals = await fill(to.client, archive.contents, {
        place: to.name,
        replace: options.replace,
        progress: createProgress('restoring', options.say),
        say: options.say,
      });
      if (options.databaseUrl === null) await forgetMoved(options.dataDir);
      const { madeAt } = archive.description;
      return { place: to.name, madeAt, totals, keys: await keysThere(archive, options.dataDir) };
    } finally {
      await to.close();
    }
  } finally {
    archive.close();
  }
}

/** No key is ever written over: it may be the only one that reads something. */
async function checkKeys(archive: Archive, dataDir: string): Promise<void> {
  const there = await readKeyFiles(dataDir);
  for (const [name, key] of knownKeys(archive)) {
    if (there.get(name)?.equals(key) === false)
      throw new Error(
        `${dataDir} has another ${name} than the backup: move that one away, or restore to another data directory`,
      );
  }
}

function knownKeys({ keys }: Archive): [string, Buffer][] {
  return keyFileNames.flatMap((name) => {
    const key = keys.get(name);
    return key === undefined ? [] : [[name, key]];
  });
}

async function keysThere({ description }: Archive, dataDir: string): Promise<RestoreResult['keys']> {
  const there = new Set([...(await readKeyFiles(dataDir)).values()].map(idText));
  if (description.keyIds.length === 0) return 'unknown';
  return description.keyIds.every((id) => there.has(id)) ? 'fit' : 'missing';
}

function idText(key: Buffer): string {
  return keyId(key).toString('hex');
}
