import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** A database of its own on the test server, empty. `drop` closes whatever is still connected to it. */
export async function createTestDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const server = process.env['HYPERVISOR_TEST_DATABASE_URL'];
  if (server === undefined)
    throw new Error('HYPERVISOR_TEST_DATABASE_URL is not set: the global set-up of the tests sets it');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await administer(server, `create database ${name}`);
  // Not by URL: a socket's directory makes a connection string that is none.
  const url = server.replace(/^(postgres(?:ql)?:\/\/[^/]*)\/[^?]*/, `$1/${name}`);
  return { url, drop: () => administer(server, `drop database if exists ${name} with (force)`) };
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
