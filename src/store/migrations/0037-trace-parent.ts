import { type Kysely, sql } from 'kysely';

/** Which request made a deployment, as traces name it (W3C Trace Context, traceparent): what is done for it later is of the same trace. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table deployment add column trace_parent text check (trace_parent ~ '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$')`.execute(
    db,
  );
}
