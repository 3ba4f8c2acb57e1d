import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Deployment } from '../../../../src/sdk/types.gen.ts';
import { readDraft } from './draft.ts';
import { draftOf } from './draft-of.ts';

const plain = {
  id: 'x',
  name: 'train',
  kind: 'service',
  docker_image: 'busybox',
  command: ['sh', '-c', 'true'],
  env: {},
  ports: [{ container: 80, host: null, protocol: 'tcp' }],
  labels: {},
  pull_policy: 'missing',
  ram_required: 2,
  cpu_required: 1,
  gpu_required: 0,
  gpu_models: [],
  priority: 50,
  replicas: 2,
  time_limit_s: null,
  stop_grace_s: 10,
  health_check: { http: { port: 80, path: '/', expect_status: null }, tcp: null, command: null, interval_s: 10 },
  retry: null,
  restart: { policy: 'on_failure', max_restarts: null },
  network: 'private',
  files: [],
  secrets: [],
  status: 'running',
} as unknown as Deployment;

test('says what is not as usual, and is right', () => {
  const text = draftOf(plain, 'main');
  expect(parse(text)).toEqual({
    cluster: 'main',
    name: 'train',
    kind: 'service',
    docker_image: 'busybox',
    command: ['sh', '-c', 'true'],
    ports: [{ container: 80 }],
    ram_required: 2,
    cpu_required: 1,
    replicas: 2,
    health_check: { http: { port: 80 } },
  });
  expect(readDraft(text).problems).toEqual([]);
});

test('files that it had are named, since they cannot be copied', () => {
  const file = { path: '/etc/app.conf', mode: '0644', size: 1, sha256: '' };
  expect(draftOf({ ...plain, files: [file] }, 'main')).toContain('#   /etc/app.conf');
});
