import { Writable } from 'node:stream';
import pino from 'pino';
import { expect, test } from 'vitest';
import { secretKeyInMemory } from '../secret-key.ts';
import { openDatabase } from '../store/database.ts';
import { createWorker } from './worker.ts';

const unused = () => {
  throw new Error('not needed where nothing can be read');
};

test('a task that fails is logged with the deployment that it is about, and counted', async () => {
  const log: string[] = [];
  const done: string[] = [];
  const db = openDatabase('postgres://nobody@127.0.0.1:1/none');
  const into = new Writable({
    write(line: Buffer, _encoding, written) {
      log.push(line.toString());
      written();
    },
  });
  const work = createWorker({
    db,
    log: pino({}, into),
    runtimeOf: unused,
    observations: { record: unused },
    secretKey: secretKeyInMemory(),
    credentialFor: unused,
    onUnreachable: unused,
    onEvents: unused,
    onDone: (kind, result) => done.push(`${kind} ${result}`),
  });
  await work({ kind: 'start', deploymentId: '0197b3c2-0000-7000-8000-000000000001', attempt: 2 });
  await db.destroy();
  expect(done).toEqual(['start failed']);
  expect(JSON.parse(log[0] ?? '')).toMatchObject({
    deployment: '0197b3c2-0000-7000-8000-000000000001',
    attempt: 2,
    task: 'start',
  });
});
