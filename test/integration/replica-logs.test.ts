import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { keepLogs, readArchivedLog } from '../../src/store/replica-logs.ts';
import { removeDeletedClusters } from '../../src/store/transitions.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeCluster, queueDeployment } from '../support/fixtures.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Database;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase(database.url, { max: 2 });
  await migrate(db);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

test('the log of a deployment that was deleted meanwhile is not kept, and that is no error', async () => {
  const key = { deploymentId: randomUUID(), attempt: 1, replica: 0, run: 1 };
  await keepLogs(db, [{ key, lines: [{ stream: 'stdout', at: 0, text: 'late' }], truncated: false }]);
  expect(await readArchivedLog(db, key)).toBeNull();
});

test('who keeps the logs of several deployments, one after the other, and the deletion of their cluster do not wait for each other', async () => {
  const fixture = await makeCluster(db);
  const [first, second] = [await queueDeployment(db, fixture), await queueDeployment(db, fixture)];
  // By whatever else than their ids, the second one comes first: where it lies, when it was made, and when it ended.
  for (const [id, hours] of [
    [second, 2],
    [first, 1],
  ] as const) {
    const earlier = sql`now() - make_interval(hours => ${hours})`;
    await sql`update deployment set status = 'succeeded', created_at = ${earlier}, finished_at = ${earlier} where id = ${id}`.execute(
      db,
    );
    await sql`
      insert into replica (deployment_id, attempt, index, node_id, node_name, status)
      values (${id}, 1, 0, ${fixture.nodeId}, 'node-1', 'ended')`.execute(db);
  }
  await sql`update cluster set deleting = true where id = ${fixture.clusterId}`.execute(db);
  const keeping = new pg.Client(database.url);
  await keeping.connect();
  try {
    const lock = (id: string) => keeping.query('select 1 from replica where deployment_id = $1 for key share', [id]);
    await keeping.query('begin');
    await lock(first);
    const deletion = removeDeletedClusters(db);
    const waiting = async () => {
      const { rows } = await keeping.query(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      return rows.length;
    };
    await expect.poll(waiting).toBe(1);
    await lock(second);
    await keeping.query('commit');
    expect(await deletion).toBe(1);
  } finally {
    await keeping.end();
  }
});
