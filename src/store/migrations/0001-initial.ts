import { type Kysely, sql } from 'kysely';

/**
 * The whole schema of the first version.
 *
 * What the code promises, the database enforces: counters on nodes and devices follow the allocation rows by trigger, and
 * their CHECK constraints refuse any commit that would give out more than there is, whatever wrote it.
 *
 * `ram`, `cpu` and `gpu` in `cluster` and `deployment` are what people wrote (GB, cores, devices, three decimals); in
 * `node`, `gpu_device` and `allocation` they are whole thousandths of the same units, as in the core.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`
    create table installation (
      -- One row: the identity that the labels of our containers carry.
      id uuid primary key,
      singleton boolean not null default true unique check (singleton),
      created_at timestamptz not null default now()
    );

    create table organization (
      id uuid primary key,
      name text not null,
      version integer not null default 1,
      created_at timestamptz not null default now()
    );
    create unique index organization_name on organization (lower(name));

    create table "user" (
      id uuid primary key,
      username text not null,
      email text not null,
      -- Only ever an Argon2id hash, in PHC form.
      password text not null check (password like '$argon2id$%'),
      -- The organization in use; memberships say which ones there are.
      organization_id uuid references organization on delete set null,
      -- Runs this installation: sees its metrics. Grants nothing inside an organization.
      operator boolean not null default false,
      created_at timestamptz not null default now()
    );
    create unique index user_username on "user" (lower(username));
    create unique index user_email on "user" (lower(email));

    create table membership (
      organization_id uuid not null references organization on delete cascade,
      user_id uuid not null references "user" on delete cascade,
      role text not null check (role in ('owner', 'admin', 'developer', 'viewer')),
      created_at timestamptz not null default now(),
      primary key (organization_id, user_id)
    );
    create index membership_user on membership (user_id);

    create table invite (
      id uuid primary key,
      organization_id uuid not null references organization on delete cascade,
      -- SHA-256 of the code; the code itself is shown once.
      code_hash bytea not null unique,
      role text not null check (role in ('owner', 'admin', 'developer', 'viewer')),
      max_uses integer not null check (max_uses > 0),
      uses integer not null default 0 check (uses between 0 and max_uses),
      expires_at timestamptz not null,
      created_by uuid references "user" on delete set null,
      created_at timestamptz not null default now()
    );
    create index invite_organization on invite (organization_id, created_at);

    create table session (
      id uuid primary key,
      token_hash bytea not null unique,
      user_id uuid not null references "user" on delete cascade,
      expires_at timestamptz not null,
      created_at timestamptz not null default now()
    );
    create index session_by_user on session (user_id);
    create index session_expiry on session (expires_at);

    create table api_token (
      id uuid primary key,
      organization_id uuid not null references organization on delete cascade,
      user_id uuid not null references "user" on delete cascade,
      name text not null,
      token_hash bytea not null unique,
      -- The first characters, so that its owner can tell it from others.
      prefix text not null,
      role text not null check (role in ('owner', 'admin', 'developer', 'viewer')),
      expires_at timestamptz,
      last_used_at timestamptz,
      created_at timestamptz not null default now(),
      -- A token ends with the membership that it speaks for.
      foreign key (organization_id, user_id) references membership (organization_id, user_id) on delete cascade
    );
    create index api_token_organization on api_token (organization_id, created_at);

    create table registry_credential (
      id uuid primary key,
      organization_id uuid not null references organization on delete cascade,
      server text not null,
      username text not null,
      -- AES-256-GCM; the key is outside of the database.
      password_encrypted bytea not null,
      created_at timestamptz not null default now(),
      unique (organization_id, server)
    );

    create table cluster (
      id uuid primary key,
      organization_id uuid not null references organization on delete restrict,
      name text not null,
      ram numeric(12, 3) not null check (ram >= 0),
      cpu numeric(12, 3) not null check (cpu >= 0),
      gpu numeric(12, 3) not null check (gpu >= 0),
      runtime text not null check (runtime in ('docker', 'simulated')),
      aging_interval_s double precision not null default 3600 check (aging_interval_s >= 0),
      reservation_after_s double precision not null default 7200 check (reservation_after_s >= 0),
      -- Set by a forced delete: nothing is admitted any more, and the row goes when the last container has.
      deleting boolean not null default false,
      runtime_reachable boolean not null default true,
      runtime_message text,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      unique (organization_id, id)
    );
    create unique index cluster_name on cluster (organization_id, lower(name)) where not deleting;

    create table node (
      id uuid primary key,
      cluster_id uuid not null references cluster on delete cascade,
      name text not null,
      ram integer not null check (ram >= 0),
      cpu integer not null check (cpu >= 0),
      gpu integer not null check (gpu >= 0),
      ram_allocated integer not null default 0,
      cpu_allocated integer not null default 0,
      gpu_allocated integer not null default 0,
      schedulable boolean not null default true,
      created_at timestamptz not null default now(),
      unique (cluster_id, name),
      constraint node_ram_not_over_allocated check (ram_allocated between 0 and ram),
      constraint node_cpu_not_over_allocated check (cpu_allocated between 0 and cpu),
      constraint node_gpu_not_over_allocated check (gpu_allocated between 0 and gpu)
    );

    create table gpu_device (
      node_id uuid not null references node on delete cascade,
      index integer not null check (index >= 0),
      model text not null,
      memory_mib integer not null default 0,
      driver text not null default 'none' check (driver in ('nvidia', 'none')),
      allocated integer not null default 0,
      primary key (node_id, index),
      constraint gpu_device_not_over_allocated check (allocated between 0 and 1000)
    );

    -- Declared immutable for the generated column below: it depends on nothing but its arguments.
    create function deployment_shape(ram numeric, cpu numeric, gpu numeric, replicas integer, gpu_models text[],
                                     priority smallint, longest_s integer)
      returns text language plpgsql immutable parallel safe as $$
    begin
      return ram || '|' || cpu || '|' || gpu || '|' || replicas || '|' || priority || '|' || coalesce(longest_s::text, '')
             || '|' || array_to_string(gpu_models, chr(31));
    end $$;

    create table deployment (
      id uuid primary key,
      organization_id uuid not null,
      cluster_id uuid not null,
      name text not null,
      kind text not null check (kind in ('job', 'service')),
      docker_image text not null,
      command jsonb,
      env jsonb not null default '{}',
      ports jsonb not null default '[]',
      labels jsonb not null default '{}',
      pull_policy text not null default 'missing' check (pull_policy in ('always', 'missing', 'never')),
      -- For each replica.
      ram_required numeric(12, 3) not null check (ram_required >= 0),
      cpu_required numeric(12, 3) not null check (cpu_required >= 0),
      gpu_required numeric(12, 3) not null check (gpu_required >= 0),
      gpu_models text[] not null default '{}',
      replicas integer not null default 1 check (replicas > 0),
      priority smallint not null check (priority between 1 and 100),
      time_limit_s integer check (time_limit_s > 0),
      stop_grace_s integer not null default 10 check (stop_grace_s >= 0),
      -- All that tells requests apart for the planner, in one column: a queue of 50,000 is grouped by it in a fifth of the time.
      shape text not null generated always as
        (deployment_shape(ram_required, cpu_required, gpu_required, replicas, gpu_models, priority, time_limit_s + stop_grace_s)) stored,
      status text not null default 'queued'
        check (status in ('queued', 'starting', 'running', 'stopping', 'succeeded', 'failed', 'cancelled')),
      -- Counts from 1; a retry is a new attempt.
      attempt integer not null default 1 check (attempt > 0),
      reason_code text,
      reason text,
      exit_code integer,
      -- How a stopping deployment is to end, and whether its row goes then.
      stop_intent text check (stop_intent in ('stop', 'cancel', 'cluster_deleted', 'time_limit', 'replica_failed')),
      delete_when_ended boolean not null default false,
      submitted_by uuid references "user" on delete set null,
      created_at timestamptz not null default now(),
      -- Age counts from here: submission, or the retry.
      queued_at timestamptz not null default now(),
      admitted_at timestamptz,
      started_at timestamptz,
      finished_at timestamptz,
      -- When the status last changed: the sweep looks for those that are stuck.
      changed_at timestamptz not null default now(),
      version integer not null default 1,
      foreign key (organization_id, cluster_id) references cluster (organization_id, id)
    );
    create index deployment_queue on deployment (cluster_id, queued_at, id) where status = 'queued';
    create index deployment_active on deployment (cluster_id, changed_at, id) where status in ('starting', 'running', 'stopping');
    create index deployment_list on deployment (organization_id, created_at, id);
    create index deployment_cluster on deployment (cluster_id, created_at, id);

    create table replica (
      deployment_id uuid not null references deployment on delete cascade,
      attempt integer not null,
      index integer not null check (index >= 0),
      node_id uuid references node on delete set null,
      node_name text not null,
      devices jsonb not null default '[]',
      status text not null default 'starting' check (status in ('starting', 'running', 'ended')),
      container_id text,
      ports jsonb not null default '[]',
      exit_code integer,
      out_of_memory boolean not null default false,
      reason_code text,
      reason text,
      started_at timestamptz,
      finished_at timestamptz,
      -- Its logs are kept and its container is removed.
      cleaned boolean not null default false,
      primary key (deployment_id, attempt, index)
    );
    create index replica_uncleaned on replica (finished_at) where status = 'ended' and not cleaned;

    create table replica_log (
      deployment_id uuid not null,
      attempt integer not null,
      index integer not null,
      -- gzip of JSON lines.
      content bytea not null,
      truncated boolean not null,
      created_at timestamptz not null default now(),
      primary key (deployment_id, attempt, index),
      foreign key (deployment_id, attempt, index) references replica on delete cascade
    );

    create table allocation (
      deployment_id uuid not null references deployment on delete restrict,
      replica integer not null check (replica >= 0),
      attempt integer not null,
      cluster_id uuid not null references cluster on delete restrict,
      node_id uuid not null references node on delete restrict,
      ram integer not null check (ram >= 0),
      cpu integer not null check (cpu >= 0),
      gpu integer not null check (gpu >= 0),
      device_indexes integer[] not null default '{}',
      -- Thousandths of the device at the same place in device_indexes.
      device_amounts integer[] not null default '{}',
      created_at timestamptz not null default now(),
      -- One replica holds resources once, whatever the attempt.
      primary key (deployment_id, replica),
      check (cardinality(device_indexes) = cardinality(device_amounts))
    );
    create index allocation_cluster on allocation (cluster_id);
    create index allocation_node on allocation (node_id);

    create function allocation_counters() returns trigger language plpgsql as $$
    declare
      sign integer := case tg_op when 'INSERT' then 1 else -1 end;
      named integer;
      found_devices integer;
    begin
      update node n
         set ram_allocated = n.ram_allocated + sign * s.ram,
             cpu_allocated = n.cpu_allocated + sign * s.cpu,
             gpu_allocated = n.gpu_allocated + sign * s.gpu
        from (select node_id, sum(ram) ram, sum(cpu) cpu, sum(gpu) gpu from changed group by node_id) s
       where n.id = s.node_id;

      if exists (select 1 from changed where device_indexes <> '{}') then
        select count(*) into named from (
          select distinct c.node_id, u.index from changed c, unnest(c.device_indexes) as u(index)) d;
        update gpu_device g
           set allocated = g.allocated + sign * s.amount
          from (select c.node_id, u.index, sum(u.amount) amount
                  from changed c, unnest(c.device_indexes, c.device_amounts) as u(index, amount)
                 group by c.node_id, u.index) s
         where g.node_id = s.node_id and g.index = s.index;
        get diagnostics found_devices = row_count;
        if found_devices <> named then
          raise exception 'an allocation names a GPU device that its node does not have' using errcode = 'check_violation';
        end if;
      end if;
      return null;
    end $$;

    create trigger allocation_inserted after insert on allocation
      referencing new table as changed for each statement execute function allocation_counters();
    create trigger allocation_deleted after delete on allocation
      referencing old table as changed for each statement execute function allocation_counters();

    create function allocation_is_immutable() returns trigger language plpgsql as $$
    begin
      raise exception 'allocations are made and freed, never changed' using errcode = 'check_violation';
    end $$;
    create trigger allocation_updated before update on allocation
      for each statement execute function allocation_is_immutable();

    create table event (
      -- Identities are handed out before the commit, so that ids alone would let a reader miss a late one: readers order by
      -- (tx, id) and stay below the oldest transaction still running.
      tx xid8 not null default pg_current_xact_id(),
      id bigint generated always as identity,
      organization_id uuid not null,
      cluster_id uuid,
      deployment_id uuid,
      type text not null,
      message text not null,
      data jsonb not null default '{}',
      -- The user behind it; null for the control plane itself.
      actor_id uuid,
      created_at timestamptz not null default now(),
      primary key (id)
    );
    create index event_organization on event (organization_id, tx, id);
    create index event_deployment on event (deployment_id, tx, id);
    create index event_cluster on event (cluster_id, tx, id);

    create table pass (
      id uuid primary key,
      organization_id uuid not null,
      cluster_id uuid not null references cluster on delete cascade,
      trigger text not null check (trigger in ('automatic', 'api')),
      queued integer not null,
      admitted integer not null,
      promoted integer not null,
      reservations integer not null,
      duration_ms double precision not null,
      created_at timestamptz not null default now()
    );
    create index pass_cluster on pass (cluster_id, created_at, id);

    create table idempotency_key (
      organization_id uuid not null references organization on delete cascade,
      key text not null,
      request_hash bytea not null,
      deployment_ids uuid[] not null,
      created_at timestamptz not null default now(),
      primary key (organization_id, key)
    );
    create index idempotency_key_age on idempotency_key (created_at);
  `)
    .execute(db);
}
