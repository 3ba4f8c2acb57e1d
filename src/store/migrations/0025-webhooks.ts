import { type Kysely, sql } from 'kysely';

/** Who is told of events over HTTP, and what was sent to whom. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(`
    create table webhook (
      id uuid primary key,
      organization_id uuid not null references organization on delete cascade,
      url text not null,
      description text not null default '',
      -- Types of events, or families of them like deployment.*; none: all.
      event_types text[] not null default '{}',
      -- None: all, and what belongs to no cluster.
      cluster_ids uuid[] not null default '{}',
      enabled boolean not null default true,
      -- Why it was disabled by the control plane; null where it was not.
      disabled_reason text,
      -- AES-256-GCM; the key is outside of the database.
      secret_encrypted bytea not null,
      -- The one before: it signs beside the new one until then.
      previous_secret_encrypted bytea,
      previous_secret_until timestamptz,
      -- Up to where the log of events has become deliveries.
      cursor_tx xid8 not null,
      cursor_id bigint not null,
      -- Since when nothing has come through; null where the last attempt did.
      failing_since timestamptz,
      created_at timestamptz not null default now(),
      check ((previous_secret_encrypted is null) = (previous_secret_until is null))
    );
    create index webhook_organization on webhook (organization_id, id);

    create table webhook_delivery (
      -- A UUID v7, so in the order of their making. Sent along, so that receivers can tell what they have had already.
      id uuid primary key,
      webhook_id uuid not null references webhook on delete cascade,
      organization_id uuid not null,
      -- Null of a test: it tells of no event.
      event_tx xid8,
      event_id bigint,
      event_type text not null,
      -- What is sent, byte for byte: repeated and sent again, it stays the same.
      body text not null,
      status text not null default 'pending' check (status in ('pending', 'succeeded', 'failed')),
      -- Begun, not ended: one during which the process died counts.
      attempts integer not null default 0 check (attempts >= 0),
      -- While an attempt is under way: when it is given up for lost.
      next_attempt_at timestamptz default now(),
      last_attempt_at timestamptz,
      duration_ms double precision,
      response_code integer,
      error text,
      created_at timestamptz not null default now(),
      check ((status = 'pending') = (next_attempt_at is not null)),
      -- An event is told to a webhook once, whoever reads the log.
      unique (webhook_id, event_tx, event_id)
    );
    create index webhook_delivery_due on webhook_delivery (webhook_id, next_attempt_at, id) where status = 'pending';
    create index webhook_delivery_list on webhook_delivery (webhook_id, id);
    create index webhook_delivery_age on webhook_delivery (created_at);
  `)
    .execute(db);
}
