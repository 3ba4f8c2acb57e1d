import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/**
 * Which control plane a data directory belongs to: the one whose connection holds this lock. A killed one gives it up as its
 * connections close.
 */
export interface Ownership {
  readonly client: pg.Client;
  /** Runs what ends the server: its going away is not taken for a break then, and nobody else gets it while it ends. */
  release(end: () => Promise<void>): Promise<void>;
}

const ownerLock = 7_214_600;
const connectMs = 5_000;
const regainMs = 500;

export type Claim = { kind: 'owned'; ownership: Ownership } | { kind: 'taken' } | { kind: 'down' };

/** Tries once. Down: the server does not answer, or not yet. */
export async function claim(url: string): Promise<Claim> {
  const client = await connectAndLock(url);
  if (typeof client === 'string') return { kind: client };
  let current = client;
  let released = false;
  // A crash of one of the server's processes breaks all connections, and it recovers by itself: so must the lock.
  const regain = async () => {
    while (!released) {
      const next = await connectAndLock(url).catch(() => 'down' as const);
      if (typeof next !== 'string') {
        current = next;
        current.once('end', () => void regain());
        return;
      }
      await sleep(regainMs, undefined, { ref: false });
    }
  };
  client.once('end', () => void regain());
  return {
    kind: 'owned',
    ownership: {
      client,
      async release(end) {
        released = true;
        try {
          await end();
        } finally {
          await current.end().catch(() => {});
        }
      },
    },
  };
}

async function connectAndLock(url: string): Promise<pg.Client | 'taken' | 'down'> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'hypervisor owner',
    connectionTimeoutMillis: connectMs,
  });
  // Whoever waits for "end" or queries will notice.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [ownerLock]);
    if (rows[0]?.mine === true) return client;
    await client.end();
    return 'taken';
  } catch (error) {
    await client.end().catch(() => {});
    const { code } = error as { code?: string };
    // Waiting does not help with these: a password that is not ours, a socket that is not ours.
    if (code === '28P01') {
      throw new Error(
        'the embedded PostgreSQL refuses the password in its data directory: restore the file "hypervisor.password" there',
        { cause: error },
      );
    }
    if (code === 'EACCES') {
      throw new Error(
        'the embedded PostgreSQL runs as another user: start Hypervisor as the user that it was started as before',
        {
          cause: error,
        },
      );
    }
    return 'down';
  }
}
