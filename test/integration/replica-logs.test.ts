import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { keepLogs, readArchivedLog } from '../../src/store/replica-logs.ts';
import { createTestDatabase } from '../support/database.ts';

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
