import { expect, test } from 'vitest';
import { decidesAbout, rolesUpTo } from './roles.ts';

test('nobody gives more than one has', () => {
  expect(rolesUpTo('developer')).toEqual(['viewer', 'developer']);
  expect(rolesUpTo('owner')).toHaveLength(4);
});

test('only owners decide about owners, and only admins about others', () => {
  expect(decidesAbout('owner', 'owner')).toBe(true);
  expect(decidesAbout('admin', 'owner')).toBe(false);
  expect(decidesAbout('admin', 'admin')).toBe(true);
  expect(decidesAbout('developer', 'viewer')).toBe(false);
});
