/** Locks on rows of deployments, as a transaction that takes its time would hold them: what changes these rows has to wait. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface RowLocks {
  /** Waits until the deployment has this status, and locks its row then. False where it has gone past that. */
  take(id: string, status: string): Promise<boolean>;
  /** Waits until so many others, at least, wait for locks in this database. */
  awaited(count: number): Promise<void>;
  /** Gives all back. */
  release(): Promise<void>;
}

/** In the order in which a deployment can have them; those that end it come last. */
const order = ['queued', 'starting', 'running', 'stopping'];
const place = (status: string) => (order.includes(status) ? order.indexOf(status) : order.length);

export async function holdRows(databaseUrl: string): Promise<RowLocks> {
  const holder = new pg.Client({ connectionString: databaseUrl });
  const looker = new pg.Client({ connectionString: databaseUrl });
  await Promise.all([holder.connect(), looker.connect()]);
  await holder.query('begin');
  return {
    async take(id, status) {
      for (;;) {
        const { rows: locked } = await holder.query(
          'select 1 from deployment where id = $1 and status = $2 for update',
          [id, status],
        );
        if (locked.length > 0) return true;
        const { rows } = await looker.query<{ status: string }>('select status from deployment where id = $1', [id]);
        if (place(rows[0]?.status ?? '') > place(status)) return false;
        await sleep(5);
      }
    },
    async awaited(count) {
      const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      while ((await looker.query(waiting)).rows.length < count) await sleep(20);
    },
    async release() {
      await holder.query('rollback');
      await Promise.all([holder.end(), looker.end()]);
    },
  };
}
