import { defaultPort } from '../config.ts';
import { type Client, createClient } from '../sdk/client/index.ts';
import type { Problem } from '../sdk/index.ts';
import { readContexts } from './context-file.ts';
import { CliError, fromProblem } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

/** The options that every command takes. */
export interface Globals {
  readonly context?: string;
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface Session {
  readonly client: Client;
  readonly url: string;
  readonly token: string | null;
  /** The name of the context in use; null where everything was given by options. */
  readonly contextName: string | null;
  /** The cluster to use where none is named. */
  readonly defaultCluster: string | null;
}

const defaultUrl = `http://127.0.0.1:${defaultPort}`;

/** Options come before the environment, and that before the context in use. */
export async function openSession(globals: Globals, env: NodeJS.ProcessEnv = process.env): Promise<Session> {
  const file = await readContexts();
  const contextName = globals.context ?? env['HYPERVISOR_CONTEXT'] ?? file.current;
  const context = contextName === null ? undefined : file.contexts[contextName];
  if (globals.context !== undefined && context === undefined) {
    throw new CliError(`there is no context "${globals.context}"`, exitCodes.usage, ['See them with: hv context list']);
  }
  const url = (globals.url ?? env['HYPERVISOR_URL'] ?? context?.url ?? defaultUrl).replace(/\/+$/, '');
  const token = globals.token ?? env['HYPERVISOR_TOKEN'] ?? context?.token ?? null;
  const client = clientOf(url, token);
  return { client, url, token, contextName, defaultCluster: context?.cluster ?? null };
}

/** A client that speaks for the token; without one it may register and sign in. */
export function clientOf(url: string, token: string | null): Client {
  return createClient({ baseUrl: url, headers: token === null ? {} : { authorization: `Bearer ${token}` } });
}

/** For requests that are not the SDK's: streams. */
export function bearer({ token }: Pick<Session, 'token'>): string {
  return `Bearer ${token ?? ''}`;
}

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response?: Response;
}

/** What the service answered. Throws a CliError in plain words where it refused, or where it can't be reached. */
export async function call<T>(session: Session, answer: Promise<Answer<T>>): Promise<T> {
  let settled: Answer<T>;
  try {
    settled = await answer;
  } catch (error) {
    throw unreachable(session, error);
  }
  const { data, error, response } = settled;
  if (response === undefined) throw unreachable(session, error);
  if (response.ok) return data as T;
  if (isProblem(error)) throw fromProblem(error);
  throw new CliError(
    `${session.url} answered with ${response.status}, and not as Hypervisor does: is it another service?`,
  );
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'detail' in value && 'status' in value;
}

export function unreachable(session: Pick<Session, 'url'>, error: unknown): CliError {
  const cause =
    error instanceof Error ? ((error.cause as { code?: string } | undefined)?.code ?? error.message) : String(error);
  return new CliError(`${session.url} can't be reached (${cause})`, exitCodes.unreachable, [
    'Start Hypervisor with: npm start (or: hv up)',
    'Or name another service with --url, or a context with --context',
  ]);
}
