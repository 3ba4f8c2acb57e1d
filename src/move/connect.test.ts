import { expect, test } from 'vitest';
import { checkVersion, connect, withoutPassword } from './connect.ts';

test('a server that is too old is refused by its name and version', () => {
  expect(() => checkVersion(140_011, 'postgres://ada:secret@db.example:5432/hv')).toThrow(
    'postgres://ada@db.example:5432/hv is PostgreSQL 14: Hypervisor needs 15 or newer',
  );
  expect(() => checkVersion(150_000, 'postgres://db/hv')).not.toThrow();
});

test('passwords are not told, wherever they may stand', () => {
  expect(withoutPassword('postgres://ada:p%40ss:word@db/hv?sslmode=require&password=x')).toBe('postgres://ada@db/hv');
  expect(withoutPassword('postgresql://db/hv')).toBe('postgresql://db/hv');
});

test('what is no address, and where nothing listens, is told in words', async () => {
  await expect(connect('db.example/hv')).rejects.toThrow('"db.example/hv" is no address of a PostgreSQL: write it');
  await expect(connect('postgres://ada:secret@127.0.0.1:1/hv')).rejects.toThrow(
    "postgres://ada@127.0.0.1:1/hv can't be reached: nothing listens there",
  );
});
