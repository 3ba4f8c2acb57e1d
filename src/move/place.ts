/** Where an installation's data is, or is to be: in the embedded PostgreSQL of a data directory, or in a server of one's own. */
import type pg from 'pg';
import {
  DataDirectoryInUse,
  hasEmbeddedPostgres,
  startEmbeddedPostgres,
  urlOfRunning,
} from '../platform/embedded-postgres.ts';
import { connect, withoutPassword } from './connect.ts';

export interface Place {
  /** For messages. */
  readonly name: string;
  readonly client: pg.Client;
  close(): Promise<void>;
}

export interface PlaceOptions {
  readonly dataDir: string;
  /** Null: embedded. */
  readonly databaseUrl: string | null;
  readonly say: (message: string) => void;
}

/** One that runs is read from: nothing is gained by waiting until it ends. */
const runningMs = 1_000;

/** To read from, also while a control plane runs there. */
export async function openToRead(options: PlaceOptions): Promise<Place> {
  if (options.databaseUrl !== null) return openServer(options.databaseUrl);
  await refuseWithoutData(options.dataDir);
  try {
    return await openEmbedded(options, runningMs);
  } catch (error) {
    if (!(error instanceof DataDirectoryInUse)) throw error;
    const client = await connect(await urlOfRunning(options.dataDir));
    return { name: embeddedName(options.dataDir), client, close: () => client.end() };
  }
}

/** To move away from: nobody else may use it meanwhile. */
export async function openAlone(options: Omit<PlaceOptions, 'databaseUrl'>): Promise<Place> {
  await refuseWithoutData(options.dataDir);
  return openEmbedded(options);
}

/** To write to; an embedded server is made where there is none. Throws while a control plane runs on the data directory. */
export function openToWrite(options: PlaceOptions): Promise<Place> {
  return options.databaseUrl === null ? openEmbedded(options) : openServer(options.databaseUrl);
}

export async function openServer(url: string): Promise<Place> {
  const client = await connect(url);
  return { name: withoutPassword(url), client, close: () => client.end() };
}

async function openEmbedded({ dataDir, say }: Omit<PlaceOptions, 'databaseUrl'>, takenMs?: number): Promise<Place> {
  say('starting the embedded PostgreSQL');
  const postgres = await startEmbeddedPostgres({ dataDir, ...(takenMs !== undefined && { takenMs }) });
  try {
    const client = await connect(postgres.url);
    const close = async () => {
      await client.end();
      await postgres.stop();
    };
    return { name: embeddedName(dataDir), client, close };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

function embeddedName(dataDir: string): string {
  return `the embedded PostgreSQL in ${dataDir}`;
}

async function refuseWithoutData(dataDir: string): Promise<void> {
  if (await hasEmbeddedPostgres(dataDir)) return;
  throw new Error(
    `there is no embedded PostgreSQL in ${dataDir}: name the data directory with --data-dir, or the server with DATABASE_URL`,
  );
}
