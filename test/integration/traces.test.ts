/** Traces, as a collector gets them: from the request that somebody sent to the container that came of it. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import { type Deployment, newOwner } from '../conformance/client.ts';
import { requireEngine } from '../support/engine-port.ts';
import { startTestService } from '../support/service.ts';

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number | string;
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: Value }[];
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Span['attributes'] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  vi.unstubAllEnvs();
});

/** Speaks OTLP over HTTP, as any collector does, and keeps what it gets. */
async function startCollector() {
  const bodies: string[] = [];
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.url === '/v1/traces') bodies.push(body);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }
  const server = createServer((request, response) => void receive(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const batches = () => bodies.flatMap((body) => (JSON.parse(body) as Batch).resourceSpans);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    resources: () => batches().map(({ resource }) => valuesOf(resource.attributes)),
    spans: () => batches().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  };
}

function valuesOf(attributes: Span['attributes']): Record<string, string> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(value.stringValue ?? value.intValue ?? '')]),
  );
}

async function start(config: { traces: boolean }, runtime: 'docker' | 'simulated' = 'simulated') {
  const service = await startTestService({ config });
  let running: Promise<void> | null = null;
  const stop = () => (running ??= service.stop());
  closing.push(stop);
  const owner = await newOwner(service.url);
  const cluster = await owner.createCluster({ name: 'lab', runtime, ram: 0.5, cpu: 1, gpu: 0 });
  return { service, owner, cluster, stop };
}

const needs = { kind: 'job', ram_required: 0.032, cpu_required: 0.1 } as const;

test('a trace leads from the request of whoever sent it into the container, and holds no secret', async () => {
  const collector = await startCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=test');
  const { owner, cluster, stop } = await start({ traces: true }, 'docker');
  const [traceId, caller] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  const body = {
    ...needs,
    cluster_id: cluster.id,
    docker_image: requireEngine().image,
    pull_policy: 'never',
    command: ['sh', '-c', 'echo $TRACEPARENT'],
    env: { PASSWORD: 'tidal-otter-brass-42' },
  };
  const made = await owner.call<Deployment>('POST', '/deployments', body, {
    traceparent: `00-${traceId}-${caller}-01`,
  });
  await owner.became(made.id, 'succeeded');
  const log = await owner.fetch(`/api/v1/deployments/${made.id}/logs?format=text`);
  await stop();

  const spans = collector.spans().filter((span) => span.traceId === traceId);
  const named = (name: string) => {
    const found = spans.filter((span) => span.name === name);
    expect(found, name).toHaveLength(1);
    return found[0]!;
  };
  const request = named('POST /api/v1/deployments');
  expect(request.parentSpanId).toBe(caller);
  expect(valuesOf(request.attributes)).toMatchObject({ 'http.response.status_code': '201' });
  const queued = named('queued');
  expect(queued.parentSpanId).toBe(request.spanId);
  expect(valuesOf(queued.attributes)).toMatchObject({ 'hypervisor.deployment': made.id, 'hypervisor.attempt': '1' });
  const task = named('start');
  expect(task.parentSpanId).toBe(request.spanId);
  const engine = named('engine start');
  expect(engine.parentSpanId).toBe(task.spanId);
  expect(BigInt(engine.endTimeUnixNano)).toBeGreaterThan(BigInt(engine.startTimeUnixNano));
  expect(await log.text()).toContain(`00-${traceId}-${request.spanId}-01`);
  for (const resource of collector.resources()) {
    expect(resource).toMatchObject({ 'service.name': 'hypervisor', 'deployment.environment.name': 'test' });
  }
  const said = collector.bodies.join('\n');
  expect(said).not.toContain(body.env.PASSWORD);
  expect(said).not.toContain(owner.token);
});

test('a collector that does not answer keeps nobody, and what nobody asked for is not traced', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:9');
  const traced = await start({ traces: true });
  const job = { ...needs, docker_image: 'simulated/job', env: { SIM_RUN_MS: '50' } };
  const made = await traced.owner.submit(traced.cluster.id, job);
  await traced.owner.became(made.id, 'succeeded');
  const parent = 'select trace_parent from deployment where id = $1';
  const [row] = await traced.service.sql<{ trace_parent: string }>(parent, [made.id]);
  expect(row?.trace_parent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  await traced.stop();

  const without = await start({ traces: false });
  const other = await without.owner.submit(without.cluster.id, job);
  expect(await without.service.sql(parent, [other.id])).toEqual([{ trace_parent: null }]);
});
