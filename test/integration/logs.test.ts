/** Who reads the log finds a request, a deployment or a cluster by its id, under one name everywhere. */
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newOwner, until } from '../conformance/client.ts';
import { startTestService, type TestService } from '../support/service.ts';

type Line = Readonly<Record<string, unknown>> & { readonly msg: string };

let service: TestService;
const lines: Line[] = [];

beforeAll(async () => {
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
  service = await startTestService({ log });
});
afterAll(() => service?.stop());

test('a deployment is followed from the request that submitted it to its end', async () => {
  const client = await newOwner(service.url);
  const cluster = await client.createCluster({ ram: 1, cpu: 1 });
  const image = { kind: 'job' as const, docker_image: 'simulated/job', env: { SIM_RUN_MS: '20' } };
  const { id } = await client.submit(cluster.id, { ram_required: 1, cpu_required: 1, ...image });
  await client.became(id, 'succeeded');
  const about = lines.filter(({ deployment }) => deployment === id);

  const submitted = about.find(({ msg }) => msg === 'submitted');
  expect(submitted).toMatchObject({ cluster: cluster.id, request_id: expect.stringMatching(/./) });
  const request = await until('the request is logged', async () =>
    lines.find((line) => line.msg === 'request' && line['request_id'] === submitted?.['request_id']),
  );
  expect(request).toMatchObject({ method: 'POST', route: '/api/v1/deployments', status: 201 });

  const admitted = about.find(({ msg }) => msg === 'admitted');
  expect(admitted).toMatchObject({ cluster: cluster.id, attempt: 1, pass: expect.stringMatching(/./) });
  const statuses = about.filter(({ msg }) => msg === 'the status of a deployment changed');
  expect(statuses.map(({ status }) => status)).toEqual(['running', 'succeeded']);
});

test('every line of a request about one thing names it', async () => {
  const client = await newOwner(service.url);
  const cluster = await client.createCluster({ ram: 1, cpu: 1 });
  await client.ask('GET', `/clusters/${cluster.id}/queue`);
  const route = '/api/v1/clusters/:id/queue';
  const line = await until('it is logged', async () => lines.find((one) => one['route'] === route));
  expect(line).toMatchObject({ cluster: cluster.id, request_id: expect.stringMatching(/./) });
});

test('no line has an id under another name', () => {
  const others = /^(reqId|requestId|deploymentId|deployment_id|clusterId|cluster_id|engineId|engine_id)$/;
  const wrong = lines.filter((line) => Object.keys(line).some((name) => others.test(name)));
  expect(wrong).toEqual([]);
  expect(lines.filter(({ msg, request_id: id }) => msg === 'request' && typeof id !== 'string')).toEqual([]);
});
