import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { LogLine, LogOptions } from '../runtime.ts';
import { within } from './deadline.ts';
import { statusOf, toRuntimeError } from './errors.ts';
import { LogParser } from './log-parser.ts';

/** The lines of a container's log. They end as the port says; an abort ends them without an error. */
export async function* readLogs(
  container: Docker.Container,
  options: LogOptions,
  answerMs: number,
): AsyncGenerator<LogLine> {
  const { tail, follow = false, signal } = options;
  if (options.stream !== undefined && tail !== undefined) {
    // The engine counts the lines of both.
    const { tail: _, ...all } = options;
    const last = await lastOf(readLogs(container, { ...all, follow: false }, answerMs), tail);
    const since = last[0]?.at ?? (tail === 0 ? Date.now() : options.since);
    if (follow) yield* readLogs(container, { ...all, ...(since !== undefined && { since }) }, answerMs);
    else yield* last;
    return;
  }
  const stream = await open(container, options, answerMs);
  const destroy = () => stream.destroy();
  signal?.addEventListener('abort', destroy, { once: true });
  if (signal?.aborted === true) destroy();
  const parser = new LogParser();
  try {
    for await (const chunk of stream) yield* wanted(parser.push(chunk as Buffer), options);
    yield* wanted(parser.flush(), options);
  } catch (error) {
    if (signal?.aborted !== true) throw toRuntimeError(error, 'unreachable');
  } finally {
    signal?.removeEventListener('abort', destroy);
    stream.destroy();
  }
}

async function lastOf(lines: AsyncIterable<LogLine>, count: number): Promise<LogLine[]> {
  const last: LogLine[] = [];
  for await (const line of lines) {
    last.push(line);
    // Not at each: what is cut off is moved.
    if (last.length >= 2 * count + 1000) last.splice(0, last.length - count);
  }
  return last.slice(Math.max(0, last.length - count));
}

/** The engine is asked in whole seconds: the rest is left out here. */
function wanted(lines: readonly LogLine[], { since }: LogOptions): readonly LogLine[] {
  return since === undefined ? lines : lines.filter((line) => line.at >= since);
}

async function open(container: Docker.Container, options: LogOptions, answerMs: number): Promise<Readable> {
  const { tail, since, stream, follow = false } = options;
  const query = {
    stdout: stream !== 'stderr',
    stderr: stream !== 'stdout',
    timestamps: true,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since: Math.floor(since / 1000) }),
  };
  try {
    if (follow) {
      const following = container.logs({ ...query, follow: true }) as Promise<Readable>;
      return await within(answerMs, following, (late) => late.destroy());
    }
    // In one piece, which the rotation of the log keeps small (container-spec.ts).
    const log = await within(answerMs, container.logs({ ...query, follow: false }));
    return Readable.from([log]);
  } catch (error) {
    // 409: its removal is under way.
    const gone = statusOf(error) === 404 || statusOf(error) === 409;
    throw toRuntimeError(error, gone ? 'not_found' : 'unreachable');
  }
}
