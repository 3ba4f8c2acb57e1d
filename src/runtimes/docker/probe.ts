/** Health checks of containers on a Docker Engine: over the network from here, or by a command inside of the container. */

import { PassThrough, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import { type Address, type Patience, probeHttp, probeTcp } from '../probe.ts';
import type { HealthCheck, ProbeResult } from '../runtime.ts';
import { within } from './deadline.ts';
import { statusOf, toRuntimeError } from './errors.ts';

/** So much of what a command writes is kept for its message, in characters. */
const outputMax = 300;

export interface ProbeDeps {
  readonly docker: Docker;
  /** Without a time limit of its own. */
  readonly patient: Docker;
  readonly answerMs: number;
  /** The engine's machine, where it is another than ours. */
  readonly remoteHost: string | null;
  /** By container: its check's command that outlived its time limit. The engine has no way to end it. */
  readonly overdue: Map<string, string>;
}

/** Null where the container does not run any more. Throws `unreachable`. */
export async function probeContainer(
  deps: ProbeDeps,
  info: ContainerInspectInfo,
  check: HealthCheck,
  patience: Patience,
): Promise<ProbeResult | null> {
  if (check.kind === 'command') return probeCommand(deps, info, check.command, patience);
  const address = addressOf(info, check.port, deps.remoteHost);
  if (address === null) {
    const why = deps.remoteHost === null ? 'it has no address' : 'publish it, since its engine is on another machine';
    return { isWell: false, message: `port ${check.port} of the container can't be reached: ${why}` };
  }
  const result = check.kind === 'tcp' ? await probeTcp(address, patience) : await probeHttp(address, check, patience);
  // People know the port of the container, not the one that leads there.
  return { ...result, message: result.message.replace(`port ${address.port}`, `port ${check.port}`) };
}

/**
 * On the engine's own machine the container's address: what stands before a published port accepts connections also where nobody
 * listens behind it. From elsewhere there is no way but the published port.
 */
function addressOf(info: ContainerInspectInfo, port: number, remoteHost: string | null): Address | null {
  if (info.HostConfig.NetworkMode === 'host') return { host: remoteHost ?? '127.0.0.1', port };
  if (remoteHost === null) {
    const host = Object.values(info.NetworkSettings.Networks).find(({ IPAddress }) => IPAddress !== '')?.IPAddress;
    return host === undefined ? null : { host, port };
  }
  const bindings = info.NetworkSettings.Ports[`${port}/tcp`] as { HostPort: string }[] | null | undefined;
  const published = bindings?.[0]?.HostPort;
  return published === undefined ? null : { host: remoteHost, port: Number(published) };
}

async function probeCommand(
  deps: ProbeDeps,
  info: ContainerInspectInfo,
  command: readonly string[],
  patience: Patience,
): Promise<ProbeResult | null> {
  try {
    if (await isStillAtIt(deps, info.Id)) {
      return { isWell: false, message: 'the command of an earlier check has not ended yet' };
    }
    return await run(deps, info.Id, command, patience);
  } catch (error) {
    const status = statusOf(error);
    const known = toRuntimeError(error, 'start_failed');
    if (known.code === 'unreachable') throw known;
    // 404, 409: the container is gone, or does not run any more. Otherwise there is no such command in it.
    return status === 404 || status === 409 ? null : { isWell: false, message: known.message };
  }
}

/** A command that never ends must not be joined by another at each check. */
async function isStillAtIt({ docker, answerMs, overdue }: ProbeDeps, containerId: string): Promise<boolean> {
  const id = overdue.get(containerId);
  if (id === undefined) return false;
  const { Running, ExitCode } = await within(answerMs, docker.getExec(id).inspect());
  // The engine answers to a start before it starts: neither running nor ended, it is about to run.
  const isOver = !Running && ExitCode !== null;
  if (isOver) overdue.delete(containerId);
  return !isOver;
}

async function run(
  { docker, patient, answerMs, overdue }: ProbeDeps,
  containerId: string,
  command: readonly string[],
  { timeoutMs, signal }: Patience,
): Promise<ProbeResult> {
  const options = { Cmd: [...command], AttachStdout: true, AttachStderr: true };
  const { id } = await within(answerMs, docker.getContainer(containerId).exec(options));
  const exec = patient.getExec(id);
  const stream = await within(answerMs, exec.start({ hijack: false, stdin: false }), (late) => late.destroy());
  const output = collect(patient, stream);
  const giveUp = () => {
    overdue.set(containerId, id);
    stream.destroy();
  };
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  await finished(stream).catch(() => undefined);
  signal.removeEventListener('abort', giveUp);
  if (overdue.get(containerId) === id) {
    return { isWell: false, message: `its command did not end within ${timeoutMs / 1000} s` };
  }
  const { ExitCode: exitCode } = await within(answerMs, docker.getExec(id).inspect());
  return { isWell: exitCode === 0, message: `its command exited with ${exitCode}${output()}` };
}

/** The last line of what it writes. */
function collect({ modem }: Docker, stream: Readable): () => string {
  let text = '';
  const sink = new PassThrough();
  sink.on('data', (chunk: Buffer) => {
    // Of a long output the end: a message is a line.
    text = (text + chunk.toString('utf8')).slice(-10 * outputMax);
  });
  (modem as { demuxStream(from: Readable, out: PassThrough, error: PassThrough): void }).demuxStream(
    stream,
    sink,
    sink,
  );
  return () => {
    const last = text.trim().split('\n').at(-1)?.trim() ?? '';
    return last === '' ? '' : `: ${last.replaceAll(/\p{Cc}/gu, ' ').slice(0, outputMax)}`;
  };
}
