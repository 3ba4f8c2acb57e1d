import { sql } from 'kysely';
import type { Database } from './database.ts';
import { isUuid } from './ids.ts';
import type { Scope } from './scope.ts';

/** What somebody can wait for: one of the two ids, and the name by which people know it. */
export interface UpstreamRef {
  readonly deploymentId: string | null;
  readonly arrayId: string | null;
  readonly name: string;
}

interface FoundRow {
  wanted: string;
  id: string;
  name: string;
  array_id: string | null;
  array_index: number | null;
}

/**
 * What people call things, to what they mean: an id of a deployment or of an array; a name, of the newest that has it, all of its
 * array where it is one of such; "name[3]", element 3 of the newest array of that name. Whatever means nothing is left out.
 */
export async function findUpstreams(
  db: Database,
  scope: Scope,
  wanted: readonly string[],
): Promise<Map<string, UpstreamRef>> {
  const names = [...new Set(wanted)];
  if (names.length === 0) return new Map();
  const ids = names.filter(isUuid);
  const { rows } = await sql<FoundRow>`
    select d.id::text as wanted, d.id, d.name, d.array_id, d.array_index, 1 as rank from deployment d
     where d.organization_id = ${scope.organizationId} and d.id = any(${ids}::uuid[])
    union all
    select a.id::text, a.id, a.name, a.id, null, 1 from deployment_array a
     where a.organization_id = ${scope.organizationId} and a.id = any(${ids}::uuid[])
    union all
    select w.name, d.id, d.name, d.array_id, null, 2 from unnest(${names}::text[]) as w(name) cross join lateral (
      select id, name, array_id from deployment
       where organization_id = ${scope.organizationId} and name = w.name order by created_at desc, id desc limit 1) d
    union all
    select w.name, d.id, d.name, d.array_id, d.array_index, 2
      from unnest(${names}::text[]) as w(name)
      cross join lateral (select regexp_match(w.name, '^(.+)\\[([0-9]{1,5})\\]$') as parts) p
      cross join lateral (
        select array_id from deployment
         where organization_id = ${scope.organizationId} and name = p.parts[1] and array_id is not null
         order by created_at desc, id desc limit 1) newest
      join deployment d on d.array_id = newest.array_id and d.array_index = p.parts[2]::int
    order by rank desc`.execute(db);
  return new Map(rows.map((row) => [row.wanted, refOf(row)]));
}

function refOf({ id, name, array_id: arrayId, array_index: index }: FoundRow): UpstreamRef {
  if (index !== null) return { deploymentId: id, arrayId: null, name: `${name}[${index}]` };
  return arrayId === null ? { deploymentId: id, arrayId: null, name } : { deploymentId: null, arrayId, name };
}
