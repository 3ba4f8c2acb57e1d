import { describe, expect, it } from 'vitest';
import { resourceName } from './schemas/common.ts';
import { nameOfImage } from './submission.ts';

describe('the name made from an image', () => {
  it.each([
    ['busybox', 'busybox'],
    ['busybox:1.36', 'busybox'],
    ['registry.example.com:5000/team/app:2', 'app'],
    [`team/app@sha256:${'0'.repeat(64)}`, 'app'],
    [`${'a'.repeat(62)}-b`, 'a'.repeat(62)],
  ])('of %s is %s, and a valid one', (image, name) => {
    expect(nameOfImage(image)).toBe(name);
    expect(resourceName.parse(name)).toBe(name);
  });
});
