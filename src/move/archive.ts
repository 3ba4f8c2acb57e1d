/**
 * A backup in a file: a compressed tar with a description first, the rows of each table in pieces, the keys where they were asked for, and
 * last the totals, so that a file that was cut off is known for one.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { buffer, json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { type Extract, extract, type Pack, pack } from 'tar-stream';
import { z } from 'zod';
import { exists } from '../platform/files.ts';
import { isKey } from '../store/secrets/keyring.ts';
import type { Contents, Piece, Totals } from './contents.ts';

const format = 1;
const first = 'hypervisor-backup.json';
const last = 'totals.json';

const descriptionSchema = z.object({
  format: z.literal(format, { error: 'it was made by a newer version of Hypervisor: use that version' }),
  madeAt: z.iso.datetime(),
  /** Tells which keys there were, and nothing of them. */
  keyIds: z.array(z.string()),
  shape: z.object({
    installationId: z.uuid(),
    migration: z.string(),
    horizon: z.string().regex(/^\d{1,20}$/),
    tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })),
    sequences: z.array(z.object({ name: z.string(), value: z.string(), isCalled: z.boolean() })),
  }),
});
const totalsSchema = z.record(z.string(), z.object({ rows: z.number(), sum: z.string() }));

type Description = Omit<z.infer<typeof descriptionSchema>, 'format'>;

export interface BackupOf {
  readonly contents: Contents;
  readonly madeAt: Date;
  readonly keyIds: readonly string[];
  /** What goes along, by the names of their files. */
  readonly keys: ReadonlyMap<string, Buffer>;
}

/** The file appears when it is whole, readable by its owner alone: it has hashes of passwords at least. Throws where it is there already. */
export async function writeArchive(path: string, backup: BackupOf): Promise<void> {
  if (await exists(path)) throw new Error(`${path} is there already: choose another name, or delete it first`);
  const partial = `${path}.partial`;
  const tar = pack();
  const written = pipeline(
    tar as unknown as NodeJS.ReadableStream,
    createGzip(),
    createWriteStream(partial, { mode: 0o600 }),
  );
  try {
    await Promise.race([addAll(tar, backup), written]);
    tar.finalize();
    await written;
    await onDisk(partial);
    await rename(partial, path);
  } catch (error) {
    tar.destroy();
    await written.catch(() => undefined);
    await rm(partial, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOSPC' || code === 'ENOTDIR')
      throw new Error(`${path} can't be written: ${message}`, { cause: error });
    throw error;
  }
}

async function addAll(tar: Pack, { contents, madeAt, keyIds, keys }: BackupOf): Promise<void> {
  const description = { format, madeAt: madeAt.toISOString(), keyIds, shape: contents.shape };
  await add(tar, first, Buffer.from(JSON.stringify(description)));
  for (const [name, key] of keys) await add(tar, `keys/${name}`, key);
  let number = 0;
  for await (const { table, data } of contents.pieces()) {
    number += 1;
    await add(tar, `tables/${table}/${String(number).padStart(8, '0')}.copy`, data);
  }
  await add(tar, last, Buffer.from(JSON.stringify(contents.totals())));
}

function add(tar: Pack, name: string, data: Buffer): Promise<void> {
  return new Promise((done, failed) => {
    tar.entry({ name, mode: 0o600 }, data, (error) => (error ? failed(error) : done()));
  });
}

async function onDisk(path: string): Promise<void> {
  const file = await open(path, 'r');
  await file.sync();
  await file.close();
}

export interface Archive {
  readonly description: Description;
  readonly keys: ReadonlyMap<string, Buffer>;
  readonly contents: Contents;
  close(): void;
}

type Entry = Extract extends AsyncIterable<infer One> ? One : never;

/** Reads what stands before the rows; these are read as they are asked for. Throws where the file is no backup, or damaged. */
export async function openArchive(path: string): Promise<Archive> {
  const tar = extract();
  const file = createReadStream(path);
  pipeline(file, createGunzip(), tar as unknown as NodeJS.WritableStream).catch((error: Error) => tar.destroy(error));
  const entries = entriesOf(tar, path);
  const head = await entries.next();
  if (head.done === true || head.value.header.name !== first) throw new Error(`${path} is no backup of Hypervisor`);
  const description = descriptionSchema.safeParse(await orDamaged(path, json(head.value)));
  if (!description.success) throw new Error(`${path} can't be restored: ${z.prettifyError(description.error)}`);
  const keys = new Map<string, Buffer>();
  let next = await entries.next();
  for (; next.done !== true && next.value.header.name.startsWith('keys/'); next = await entries.next())
    keys.set(next.value.header.name.slice('keys/'.length), await keyIn(next.value, path));
  let totals: Totals | null = null;
  return {
    description: description.data,
    keys,
    contents: {
      shape: description.data.shape,
      totals() {
        if (totals === null) throw new Error(`${path} is cut off: its end is missing. Take another backup`);
        return totals;
      },
      async *pieces() {
        for (; next.done !== true; next = await entries.next()) {
          const { name } = next.value.header;
          const data = await orDamaged(path, buffer(next.value));
          if (name === last) totals = await orDamaged(path, totalsIn(data));
          else yield { table: name.split('/')[1] ?? '', data } satisfies Piece;
        }
      },
    },
    close: () => tar.destroy(),
  };
}

async function* entriesOf(tar: Extract, path: string): AsyncGenerator<Entry> {
  try {
    for await (const entry of tar) yield entry;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** What is read of an entry fails by itself where the file is damaged there. */
async function orDamaged<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new Error(`there is no file ${path}`, { cause: error });
  if (code === 'EACCES' || code === 'EISDIR') return new Error(`${path} can't be read: ${message}`, { cause: error });
  if (code === 'Z_DATA_ERROR' && message.includes('header'))
    return new Error(`${path} is no backup of Hypervisor`, { cause: error });
  return new Error(`${path} is damaged or cut off (${message}): take another backup`, { cause: error });
}

async function totalsIn(data: Buffer): Promise<z.infer<typeof totalsSchema>> {
  return totalsSchema.parse(JSON.parse(data.toString('utf8')));
}

async function keyIn(entry: Entry, path: string): Promise<Buffer> {
  const key = await orDamaged(path, buffer(entry));
  if (!isKey(key)) throw new Error(`${path} is damaged: ${entry.header.name} is no key`);
  return key;
}
