/** A connection of its own on which a process hears what others tell it, and by which they know that it lives. */
import pg from 'pg';
import type { ProcessRole } from '../process-roles.ts';

const channel = 'hypervisor';
const retryMs = 500;

export interface Self {
  readonly id: string;
  readonly role: ProcessRole;
  readonly host: string;
  readonly pid: number;
}

interface Given {
  readonly url: string;
  readonly self: Self;
  readonly onMessage: (message: string) => void;
  /** Connected, or connected anew: what was said in between was not heard. */
  readonly onConnected: () => void;
  readonly onLost: (error: Error) => void;
}

/**
 * Connects and notes the process; resolves then. A connection that breaks is made anew until `close`. Behind a pooler that shares
 * connections nothing would be heard: the address must be the server's own.
 */
export async function listen(given: Given): Promise<{ close(): Promise<void> }> {
  let client: pg.Client | null = null;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const mine = new pg.Client({ connectionString: given.url, application_name: 'hypervisor listens' });
    let isLost = false;
    const lost = (error: Error) => {
      if (isLost) return;
      isLost = true;
      client = null;
      void end(mine);
      if (closed) return;
      given.onLost(error);
      timer = setTimeout(again, retryMs);
    };
    mine.on('error', lost);
    mine.on('end', () => lost(new Error('the connection ended')));
    mine.on('notification', ({ payload }) => given.onMessage(payload ?? ''));
    try {
      await mine.connect();
      await mine.query(`listen ${channel}`);
      await note(mine, given.self);
    } catch (error) {
      // It is for the caller to try again; the first time, nobody does.
      isLost = true;
      await end(mine);
      throw error;
    }
    client = mine;
    given.onConnected();
  }

  function again(): void {
    if (closed) return;
    connect().catch((error: unknown) => {
      given.onLost(error instanceof Error ? error : new Error(String(error)));
      timer = setTimeout(again, retryMs);
    });
  }

  await connect();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      if (client !== null) await end(client);
    },
  };
}

/** One that is broken need not say so once more. */
async function end(client: pg.Client): Promise<void> {
  await client.end().catch(() => undefined);
}

async function note(client: pg.Client, { id, role, host, pid }: Self): Promise<void> {
  await client.query(
    `insert into process (id, role, host, pid, backend_pid, backend_start)
     select $1, $2, $3, $4, a.pid, a.backend_start from pg_stat_activity a where a.pid = pg_backend_pid()
     on conflict (id) do update set backend_pid = excluded.backend_pid, backend_start = excluded.backend_start, seen_at = now()`,
    [id, role, host, pid],
  );
}
