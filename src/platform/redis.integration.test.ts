import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { startRedis } from './redis.ts';

test('a Redis that is stopped and started again has lost nothing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'hv-redis-'));
  const first = await startRedis({ dir });
  const before = new Redis(first.url);
  await before.set('key', 'value');
  before.disconnect();
  await first.stop();
  const second = await startRedis({ dir });
  const after = new Redis(second.url);
  expect(await after.get('key')).toBe('value');
  after.disconnect();
  await second.stop();
  await rm(dir, { recursive: true });
});
