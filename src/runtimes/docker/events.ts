import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { ContainerKey, ContainerState } from '../runtime.ts';
import { within } from './deadline.ts';
import { jsonLines } from './json-lines.ts';
import { keyOf, labels } from './labels.ts';

/** The engine may write down "out of memory" shortly after the end that it caused. */
const reasonMs = 100;
const killed = 137;

interface Watch {
  readonly docker: Docker;
  readonly answerMs: number;
  readonly installationId: string;
  readonly inspect: (key: ContainerKey) => Promise<ContainerState | null>;
  readonly onChange: (state: ContainerState) => void;
  readonly onLost: (error: Error) => void;
  readonly signal: AbortSignal;
}

interface Event {
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly timeNano: number;
}

/** Listens to the engine's events about our containers. Resolves once it listens. */
export async function watchEvents(watch: Watch): Promise<void> {
  const { docker, answerMs, installationId, signal } = watch;
  // A removal by force tells "die" too; a container that never ran ends nothing when it is removed.
  const filters = { type: ['container'], event: ['oom', 'die'], label: [`${labels.installation}=${installationId}`] };
  const opening = docker.getEvents({ filters, abortSignal: signal } as Docker.GetEventsOptions) as Promise<Readable>;
  const stream = await within(answerMs, opening, (late) => late.destroy());
  const destroy = () => stream.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  if (signal.aborted) destroy();
  follow(watch, stream)
    // Each outage brings a new stream, and the signal outlives them all.
    .finally(() => signal.removeEventListener('abort', destroy))
    .catch((error: unknown) => {
      if (!signal.aborted) watch.onLost(error instanceof Error ? error : new Error(String(error)));
    });
}

async function follow(watch: Watch, stream: Readable): Promise<void> {
  const outOfMemory = new Set<string>();
  for await (const line of jsonLines(stream)) {
    const event = line as unknown as Event;
    const key = keyOf(watch.installationId, event.Actor.Attributes);
    if (key === null) continue;
    if (event.Action === 'oom') {
      outOfMemory.add(event.Actor.ID);
      continue;
    }
    const wasOutOfMemory = outOfMemory.delete(event.Actor.ID);
    // Not awaited: the next event does not wait for this one's inspection.
    tellEnd(watch, key, event, wasOutOfMemory).catch(() => {
      // The engine went away in between: the stream breaks too, and the next listing finds the end.
    });
  }
  throw new Error('the event stream of the Docker Engine ended');
}

async function tellEnd(watch: Watch, key: ContainerKey, event: Event, wasOutOfMemory: boolean): Promise<void> {
  let seen = await watch.inspect(key);
  if (seen?.exitCode === killed && !seen.outOfMemory && !wasOutOfMemory) {
    await sleep(reasonMs, undefined, { ref: false });
    seen = (await watch.inspect(key)) ?? seen;
  }
  const state = seen ?? fromEvent(key, event);
  watch.onChange(
    wasOutOfMemory && state.exitCode !== null && state.exitCode !== 0 ? { ...state, outOfMemory: true } : state,
  );
}

/** Of one that was removed before it could be looked at, the event is all that is known. */
function fromEvent(key: ContainerKey, { Actor, timeNano }: Event): ContainerState {
  const exitCode = Number(Actor.Attributes['exitCode']);
  return {
    key,
    containerId: Actor.ID,
    status: 'exited',
    startedAt: null,
    finishedAt: Math.floor(timeNano / 1e6),
    exitCode: Number.isNaN(exitCode) ? null : exitCode,
    outOfMemory: false,
    ports: [],
  };
}
