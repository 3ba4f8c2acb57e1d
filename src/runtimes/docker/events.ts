import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { ContainerKey, ContainerState } from '../runtime.ts';
import { jsonLines } from './json-lines.ts';
import { keyOf, labels } from './labels.ts';

interface Watch {
  readonly docker: Docker;
  readonly installationId: string;
  readonly inspect: (key: ContainerKey) => Promise<ContainerState | null>;
  readonly onChange: (state: ContainerState) => void;
  readonly onLost: (error: Error) => void;
  readonly signal: AbortSignal;
}

/** Listens to the engine's events about our containers. Resolves once it listens. */
export async function watchEvents(watch: Watch): Promise<void> {
  const { docker, installationId, signal } = watch;
  const stream = (await docker.getEvents({
    filters: { type: ['container'], event: ['die', 'destroy'], label: [`${labels.installation}=${installationId}`] },
    abortSignal: signal,
  } as Docker.GetEventsOptions)) as Readable;
  const destroy = () => stream.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  follow(watch, stream)
    // Each outage brings a new stream, and the signal outlives them all.
    .finally(() => signal.removeEventListener('abort', destroy))
    .catch((error: unknown) => {
      if (!signal.aborted) watch.onLost(error instanceof Error ? error : new Error(String(error)));
    });
}

async function follow(watch: Watch, stream: Readable): Promise<void> {
  for await (const event of jsonLines(stream)) {
    const actor = event['Actor'] as { Attributes?: Record<string, string> } | undefined;
    const key = keyOf(watch.installationId, actor?.Attributes);
    if (key === null) continue;
    // Not awaited: the next event does not wait for this one's inspection. One that fails is found by the next listing.
    watch.inspect(key).then(
      (state) => state !== null && watch.onChange(state),
      () => {},
    );
  }
  throw new Error('the event stream of the Docker Engine ended');
}
