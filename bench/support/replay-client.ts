/** The client of the benchmark `kueue`: submits each workload when it is due, what is due at the same time in one request. */
import { setTimeout as sleep } from 'node:timers/promises';

interface Load {
  readonly url: string;
  readonly token: string;
  /** In the order in which they come. */
  readonly due: readonly { readonly atMs: number; readonly deployment: Record<string, unknown> }[];
}

const batchMax = 500;
const inFlightMax = 4;
const tickMs = 20;

async function post({ url, token }: Load, deployments: readonly Record<string, unknown>[]): Promise<void> {
  const response = await fetch(`${url}/api/v1/deployments/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ deployments }),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${response.status}: ${text}`);
}

async function replay(load: Load): Promise<void> {
  const startedAt = Date.now();
  process.send?.({ startedAt });
  const inFlight = new Set<Promise<void>>();
  for (let next = 0; next < load.due.length; ) {
    const now = Date.now() - startedAt;
    let to = next;
    while (to < load.due.length && to - next < batchMax && (load.due[to]?.atMs ?? 0) <= now) to += 1;
    if (to === next) {
      await sleep(tickMs);
      continue;
    }
    const sent = post(
      load,
      load.due.slice(next, to).map(({ deployment }) => deployment),
    ).finally(() => inFlight.delete(sent));
    inFlight.add(sent);
    next = to;
    if (inFlight.size >= inFlightMax) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
}

process.once('message', (load: Load) => {
  replay(load).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
