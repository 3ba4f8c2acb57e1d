/** Every simulated container that ever was, and when it ran: noted by the database itself, so that nothing escapes. */
import type pg from 'pg';

export interface SimulatedRun {
  readonly deployment_id: string;
  readonly attempt: number;
  readonly replica: number;
  readonly run: number;
  /** Milliseconds since the epoch. */
  readonly started: number;
  /** Null while it runs. */
  readonly ended: number | null;
  readonly exit_code: number | null;
}

export async function logSimulated(db: pg.Pool): Promise<void> {
  await db.query(`
    create schema chaos;
    create table chaos.simulated_run (
      id bigint generated always as identity primary key,
      deployment_id uuid not null, attempt int not null, replica int not null, run int not null,
      started timestamptz not null, ended timestamptz, exit_code int
    );
    create function chaos.note() returns trigger language plpgsql as $$
      begin
        if tg_op = 'UPDATE' and old.started_at is null then
          insert into chaos.simulated_run (deployment_id, attempt, replica, run, started, ended, exit_code)
          values (new.deployment_id, new.attempt, new.replica, new.run, new.started_at, new.ends_at, new.exit_code);
        elsif tg_op = 'UPDATE' then
          update chaos.simulated_run set ended = least(new.ended_at, new.ends_at), exit_code = new.exit_code
           where id = (select max(id) from chaos.simulated_run r where (r.deployment_id, r.attempt, r.replica, r.run)
                              = (new.deployment_id, new.attempt, new.replica, new.run));
        elsif tg_op = 'DELETE' then
          -- Removed while it ran: that ends it.
          update chaos.simulated_run set ended = least(old.ended_at, old.ends_at, clock_timestamp())
           where id = (select max(id) from chaos.simulated_run r where (r.deployment_id, r.attempt, r.replica, r.run)
                              = (old.deployment_id, old.attempt, old.replica, old.run));
        end if;
        return null;
      end $$;
    create index on chaos.simulated_run (deployment_id, attempt, replica, run);
    create trigger note after insert or update or delete on simulated_container for each row execute function chaos.note();`);
}

/** In the order in which they began. */
export async function readSimulatedRuns(db: pg.Pool): Promise<SimulatedRun[]> {
  const { rows } = await db.query<SimulatedRun>(`
    select deployment_id, attempt, replica, run, exit_code, (extract(epoch from started) * 1000)::float8 as started,
           (extract(epoch from ended) * 1000)::float8 as ended
      from chaos.simulated_run order by started, id`);
  return rows;
}
