import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { drained } from '../../drained.ts';
import { RuntimeError } from '../runtime.ts';
import type { ExecOptions, ExecSession } from '../seeing-in.ts';
import { within } from './deadline.ts';
import { statusOf, toRuntimeError } from './errors.ts';
import { frames } from './frames.ts';

/** Every process of a session has this in its environment, and inherits it to those that it starts. */
const mark = 'HYPERVISOR_EXEC';
/** The engine knows of an end, and of a terminal, a moment later than the stream tells; a busy one, many seconds. */
const soonMs = 50;
/** But not for ever: the output ends, too, where the connection breaks and the command runs on. */
const patienceMs = 60_000;
/** What the engine writes into the output of a command that it could not start. */
const notStarted = 'OCI runtime exec failed';

interface Clients {
  /** Has a time limit for each answer. */
  readonly container: Docker.Container;
  /** Has none: a session takes as long as it takes. */
  readonly patient: Docker.Container;
  readonly answerMs: number;
  readonly isLocal: boolean;
}

export async function startExec(clients: Clients, { command, terminal }: ExecOptions): Promise<ExecSession> {
  const { patient, answerMs } = clients;
  const id = randomUUID();
  const exec = await asked(
    within(
      answerMs,
      patient.exec({
        Cmd: [...command],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: terminal !== null,
        Env: [`${mark}=${id}`, ...(terminal === null ? [] : ['TERM=xterm-256color'])],
      }),
    ),
  );
  const start = exec.start({ hijack: true, stdin: true, Tty: terminal !== null });
  const stream = await asked(within(answerMs, start, (late) => late.destroy()));
  // A connection that breaks ends the output, too; nobody may be reading just then.
  stream.on('error', () => undefined);
  const session = toSession(clients, { id, exec, stream, hasTerminal: terminal !== null });
  if (terminal !== null) await session.resize(terminal);
  return session;
}

interface Started {
  readonly id: string;
  readonly exec: Docker.Exec;
  readonly stream: Duplex;
  readonly hasTerminal: boolean;
}

function toSession(clients: Clients, { id, exec, stream, hasTerminal }: Started): ExecSession {
  const look = () => within(clients.answerMs, exec.inspect());
  let killing: Promise<void> | null = null;

  async function kill(): Promise<void> {
    stream.destroy();
    const state = await look().catch(() => null);
    if (state?.Running !== true) return;
    await killMarked(clients, id, state.Pid);
  }

  return {
    output: inPlainWords(hasTerminal ? unframed(stream) : frames(stream)),
    async write(data) {
      if (stream.writable && !stream.write(data)) await drained(stream);
    },
    endInput() {
      if (stream.writable) stream.end();
    },
    async resize({ columns, rows }) {
      // Before the command has been started there is no terminal to resize, and after its end there is none any more.
      await eventually(async () => {
        try {
          await within(clients.answerMs, exec.resize({ w: columns, h: rows }));
          return 'resized';
        } catch {
          const state = await look().catch(() => null);
          return state === null || state.ExitCode !== null ? 'over' : undefined;
        }
      });
    },
    exitCode: () =>
      eventually(async () => {
        const state = await look().catch(() => null);
        // Gone with its container.
        if (state === null) return null;
        return state.Running ? undefined : state.ExitCode;
      }),
    kill: () => (killing ??= kill()),
  };
}

/** The first answer that is not undefined; null where there is none for too long. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T | null> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(soonMs)) {
    const answer = await look();
    if (answer !== undefined) return answer;
  }
  return null;
}

/**
 * Tells all processes of a session to hang up, and kills those that do not. The engine has no call for it, and knows only the first
 * process, by its number outside of the container. They are found by the mark in their environment, by a shell in the container: it
 * needs no more rights than the command had.
 */
const killScript = `
each() {
  found=1
  for environment in /proc/[0-9]*/environ; do
    grep -q "${mark}=$2" "$environment" 2>/dev/null || continue
    process=\${environment#/proc/}
    kill -s "$1" "\${process%/environ}" 2>/dev/null && found=0
  done
  return $found
}
each HUP "$1" || exit 0
sleep 1
each KILL "$1"
exit 0`;

async function killMarked(clients: Clients, id: string, pid: number): Promise<void> {
  const { container, answerMs, isLocal } = clients;
  try {
    const exec = await within(
      answerMs,
      container.exec({ Cmd: ['sh', '-c', killScript, 'sh', id], AttachStdout: true }),
    );
    const stream = await within(answerMs, exec.start({ hijack: true, stdin: false }), (late) => late.destroy());
    stream.resume();
    await within(answerMs, once(stream, 'close'));
    if ((await within(answerMs, exec.inspect())).ExitCode === 0) return;
  } catch {
    // It has ended with all that was in it, or the engine is away: then there is nobody to ask.
  }
  if (isLocal) await killLocally(id, pid);
}

/** Where the image has no shell, and the engine is on this machine. The number may be another process's by now. */
async function killLocally(id: string, pid: number): Promise<void> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    if (environment.includes(`${mark}=${id}`)) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended, or is not ours to end: it ends with its container.
  }
}

type Output = { readonly stream: 'stdout' | 'stderr'; readonly data: Buffer };

async function* unframed(stream: AsyncIterable<Buffer>): AsyncGenerator<Output> {
  for await (const data of stream) yield { stream: 'stdout', data };
}

/** That a command could not be started is written by the engine, in its own words, as if the command had. A broken stream just ends. */
async function* inPlainWords(output: AsyncIterable<Output>): AsyncGenerator<Output> {
  let isFirst = true;
  try {
    for await (const one of output) {
      const words = isFirst && one.data.length < 4096 ? one.data.toString('utf8') : '';
      isFirst = false;
      if (words.startsWith(notStarted)) {
        const { message } = toRuntimeError(new Error(words.trim()), 'start_failed');
        yield { stream: 'stderr', data: Buffer.from(`${message}\r\n`) };
      } else yield one;
    }
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
  }
}

/** 404: there is no such container; 409: there is, and it does not run. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const status = statusOf(error);
    if (status === 409) throw new RuntimeError('not_running', 'the container does not run', { cause: error });
    throw toRuntimeError(error, status === 404 ? 'not_found' : 'start_failed');
  }
}
