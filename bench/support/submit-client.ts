/** The client of benchmarks that submit: a process of its own, so that it takes no turns of the server's event loop. */
import { Agent, request } from 'node:http';

export interface Load {
  readonly url: string;
  readonly token: string;
  readonly cluster_id: string;
  readonly concurrency: number;
  readonly batch: number;
  readonly requests: number;
}

const load = JSON.parse(process.argv[2] ?? '{}') as Load;
const agent = new Agent({ keepAlive: true, maxSockets: load.concurrency });
const url = new URL(`${load.url}/api/v1/deployments${load.batch === 1 ? '' : '/batch'}`);

function deployment(index: number) {
  return {
    cluster_id: load.cluster_id,
    name: `bench-${index}`,
    docker_image: 'simulated/job',
    command: ['work', '--part', String(index)],
    env: { PART: String(index) },
    ram_required: 1 + (index % 10) * 0.5,
    cpu_required: 1 + (index % 4),
    priority: 10 + (index % 5) * 10,
  };
}

function bodyOf(index: number): Buffer {
  const body =
    load.batch === 1
      ? deployment(index)
      : { deployments: Array.from({ length: load.batch }, (_, i) => deployment(index * load.batch + i)) };
  return Buffer.from(JSON.stringify(body));
}

function post(body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${load.token}`,
      'content-type': 'application/json',
      'content-length': body.length,
    };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        if (response.statusCode === 201) resolve();
        else reject(new Error(`${response.statusCode}: ${Buffer.concat(chunks).toString()}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const bodies = Array.from({ length: load.requests }, (_, index) => bodyOf(index));

/** Milliseconds from each request to its answer. */
const tookMs: number[] = [];

async function work(): Promise<void> {
  for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
    const sentAt = performance.now();
    await post(body);
    tookMs.push(performance.now() - sentAt);
  }
}

const startedAt = performance.now();
await Promise.all(Array.from({ length: load.concurrency }, work));
process.send?.({ seconds: (performance.now() - startedAt) / 1000, tookMs }, () => process.exit(0));
