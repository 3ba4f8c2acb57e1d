import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { pino } from 'pino';
import { openTaskQueue } from '../../src/queue/bullmq.ts';
import { openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';

export interface TestDatabase {
  readonly url: string;
  /** Closes whatever is still connected to it. */
  drop(): Promise<void>;
}

/**
 * A database of its own on the test server: with the tables that an installation has when it starts for the first time, or, with `empty`,
 * without any. Whoever migrates it finds nothing to do: to make all those tables again for each test takes a second.
 */
export async function createTestDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const server = process.env['HYPERVISOR_TEST_DATABASE_URL'];
  if (server === undefined)
    throw new Error('HYPERVISOR_TEST_DATABASE_URL is not set: the global set-up of the tests sets it');
  const template = process.env['HYPERVISOR_TEST_TEMPLATE'];
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const like = empty || template === undefined ? '' : ` template ${template}`;
  await administer(server, `create database ${name}${like}`);
  return {
    url: withDatabase(server, name),
    drop: () => administer(server, `drop database if exists ${name} with (force)`),
  };
}

/** Makes what test databases are copies of, and returns its name. */
export async function createTemplate(server: string): Promise<string> {
  const name = 'hypervisor_test_template';
  await administer(server, `drop database if exists ${name} with (force)`);
  await administer(server, `create database ${name}`);
  const url = withDatabase(server, name);
  const db = openDatabase(url, { max: 2 });
  try {
    await migrate(db);
    const backend = { kind: 'postgres', url } as const;
    const queue = await openTaskQueue({ backend, name: 'template', log: pino({ level: 'silent' }) });
    await queue.close();
  } finally {
    await db.destroy();
  }
  return name;
}

/** Not by URL: a socket's directory makes a connection string that is none. */
function withDatabase(server: string, name: string): string {
  return server.replace(/^(postgres(?:ql)?:\/\/[^/]*)\/[^?]*/, `$1/${name}`);
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
