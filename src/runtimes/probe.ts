/** Looks whether somebody answers at an address: what health checks by HTTP and TCP come down to, whichever engine runs the container. */
import { request } from 'node:http';
import { connect } from 'node:net';
import type { ProbeResult } from './runtime.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How long to wait for an answer: until the signal aborts, which it does when the time is up. */
export interface Patience {
  /** For the message. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Does it accept a connection? Says no more than that, in plain words; never throws. */
export function probeTcp({ host, port }: Address, { timeoutMs, signal }: Patience): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    const settle = (result: ProbeResult) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => settle({ isWell: true, message: `port ${port} accepts connections` }));
    socket.on('error', (error) =>
      settle({ isWell: false, message: signal.aborted ? silent(port, timeoutMs) : refused(port, error) }),
    );
  });
}

/**
 * Does it answer a GET with the status that was asked for (null: any from 200 to 399)? Redirections are not followed: they might lead
 * anywhere. The whole answer is not waited for. Never throws.
 */
export function probeHttp(
  { host, port }: Address,
  { path, expectStatus }: { readonly path: string; readonly expectStatus: number | null },
  { timeoutMs, signal }: Patience,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const headers = { 'user-agent': 'hypervisor-health-check' };
    const asked = request({ host, port, path, agent: false, headers, signal });
    const settle = (result: ProbeResult) => {
      asked.destroy();
      resolve(result);
    };
    asked.once('response', ({ statusCode = 0 }) => {
      const isWell = expectStatus === null ? statusCode >= 200 && statusCode < 400 : statusCode === expectStatus;
      const wanted = isWell ? '' : `, not with ${expectStatus ?? 'one from 200 to 399'}`;
      settle({ isWell, message: `GET ${path} on port ${port} was answered with ${statusCode}${wanted}` });
    });
    asked.on('error', (error) =>
      settle({ isWell: false, message: signal.aborted ? silent(port, timeoutMs) : refused(port, error) }),
    );
    asked.end();
  });
}

const silent = (port: number, timeoutMs: number) => `port ${port} did not answer within ${timeoutMs / 1000} s`;

function refused(port: number, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return `nothing listens on port ${port}`;
    case 'ECONNRESET':
      return `port ${port} broke off the connection`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `there is no way to port ${port} of the container from where the control plane runs`;
    default:
      // A parser's errors have codes of their own (HPE_...): what answers does not speak HTTP.
      return error.code?.startsWith('HPE_') === true
        ? `what listens on port ${port} does not speak HTTP`
        : `port ${port} could not be reached (${error.code ?? error.message})`;
  }
}
