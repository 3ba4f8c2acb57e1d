import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The old place stays whole, and must not be started by mistake: two control planes that take themselves for the same installation
 * would remove each other's containers.
 */
const noteOf = (dataDir: string) => join(dataDir, 'postgres', 'moved-to');

export async function noteMoved(dataDir: string, place: string): Promise<void> {
  await writeFile(noteOf(dataDir), `${place}\n`);
}

/** Throws where the data of the embedded PostgreSQL was moved to another server. */
export async function refuseMoved(dataDir: string): Promise<void> {
  const place = await readFile(noteOf(dataDir), 'utf8').catch(() => null);
  if (place === null) return;
  throw new Error(
    `this installation was moved to ${place.trim()}: set DATABASE_URL to that server. To go on here with the data as they were then, make sure that no control plane runs there, and delete ${noteOf(dataDir)}`,
  );
}

export async function forgetMoved(dataDir: string): Promise<void> {
  await rm(noteOf(dataDir), { force: true });
}
