import { expect, test } from 'vitest';
import { isWanted } from './message.ts';

const failed = { type: 'deployment.failed', cluster_id: 'a' };
const joined = { type: 'member.joined', cluster_id: null };

test('a webhook without a filter wants everything', () => {
  for (const event of [failed, joined]) expect(isWanted({ eventTypes: [], clusterIds: [] }, event)).toBe(true);
});

const wants = (eventTypes: string[], type: string) =>
  isWanted({ eventTypes, clusterIds: [] }, { type, cluster_id: null });

test('types are named, or as families', () => {
  expect(wants(['deployment.failed'], 'deployment.failed')).toBe(true);
  expect(wants(['deployment.failed'], 'deployment.succeeded')).toBe(false);
  expect(wants(['deployment.*'], 'deployment.succeeded')).toBe(true);
  expect(wants(['deployment.*'], 'member.joined')).toBe(false);
  expect(wants(['deployment.*', 'member.joined'], 'member.joined')).toBe(true);
});

test('who names clusters is told of nothing that belongs to none', () => {
  const clusterIds = ['a', 'b'];
  expect(isWanted({ eventTypes: [], clusterIds }, failed)).toBe(true);
  expect(isWanted({ eventTypes: [], clusterIds }, { ...failed, cluster_id: 'c' })).toBe(false);
  expect(isWanted({ eventTypes: [], clusterIds }, joined)).toBe(false);
});
