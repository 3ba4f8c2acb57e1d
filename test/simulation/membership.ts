/**
 * How a process is known to the others that share the work: by its row, and by a connection that ends with it. A killed process is known
 * to be gone at once; one that is cut off from the database, at once or not before it was silent for long.
 */

import { sql } from 'kysely';
import type { Logger } from 'pino';
import { repeat } from '../../src/control/repeat.ts';
import type { Database } from '../../src/store/database.ts';
import { noteSeen } from '../../src/store/processes.ts';
import type { DatabaseServer } from './database-server.ts';
import type { SimulatedProcess } from './process.ts';
import type { World } from './world.ts';

export interface Membership {
  readonly id: string;
  /** Says that it is there, and goes on to say so. Throws where the database is not reached. */
  join(db: Database, log: Logger): Promise<void>;
}

const seenMs = 1_000;
/** Beyond those of real connections. */
const firstPid = 10_000_000;
/** The share of broken connections of which the server knows at once. */
const noticed = 0.5;

export function membershipOf(
  world: World,
  server: DatabaseServer,
  process: SimulatedProcess,
  number: number,
): Membership {
  const pid = firstPid + number;
  const id = `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;
  process.onEnd(() => server.hangUp(pid));
  process.onCutOff((party) => {
    if (party === 'database' && world.chance(noticed)) server.hangUp(pid);
  });

  const connect = (db: Database) =>
    sql`
      with connected as (
        insert into simulated.pg_stat_activity (pid, backend_start) values (${pid}, to_timestamp(0)) on conflict do nothing)
      insert into process (id, role, host, pid, backend_pid, backend_start)
      values (${id}, 'scheduler', 'simulated', ${pid}, ${pid}, to_timestamp(0))
      on conflict do nothing`.execute(db);

  let isJoined = false;
  return {
    id,
    async join(db, log) {
      await connect(db);
      if (isJoined) return;
      isJoined = true;
      repeat(seenMs, log, 'the look for other processes', async () => {
        await connect(db);
        await noteSeen(db, id);
      });
    },
  };
}
