import { expect, test } from 'vitest';
import { registryOf } from './image-registry.ts';

test.each([
  ['busybox', 'docker.io'],
  ['busybox:1.36', 'docker.io'],
  ['team/app', 'docker.io'],
  ['docker.io/library/busybox', 'docker.io'],
  ['registry.example.com/team/app:2', 'registry.example.com'],
  ['localhost/app', 'localhost'],
  ['registry:5000/app@sha256:0', 'registry:5000'],
])('%s is on %s', (image, registry) => {
  expect(registryOf(image)).toBe(registry);
});
