import { RuntimeError, type RuntimeErrorCode } from '../runtime.ts';

/** Codes of a connection that is not there, or broke. */
const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EACCES',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'ECONNABORTED',
]);

interface EngineError {
  readonly statusCode?: number;
  readonly code?: string;
  readonly reason?: string;
  readonly json?: { readonly message?: string } | string | null;
  readonly message?: string;
}

/** The engine's own words, without the client's wrapping around them. */
function wordsOf(error: EngineError): string {
  const words = typeof error.json === 'object' ? error.json?.message : undefined;
  const text = words ?? error.message ?? 'no reason given';
  return text.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}

export function statusOf(error: unknown): number | undefined {
  return (error as EngineError | null)?.statusCode;
}

/** What the engine answered to a request about a container, as the port says it. `fallback` is what it is otherwise. */
export function toRuntimeError(error: unknown, fallback: RuntimeErrorCode): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const engine = error as EngineError;
  if (engine.statusCode === undefined && isConnectionError(engine)) {
    return new RuntimeError('unreachable', `the Docker Engine does not answer (${engine.code ?? engine.message})`, {
      cause: error,
    });
  }
  if (engine.statusCode === 404 && /no such image/i.test(wordsOf(engine))) {
    return new RuntimeError('image_not_found', wordsOf(engine), { cause: error });
  }
  return new RuntimeError(fallback, wordsOf(engine), { cause: error });
}

function isConnectionError(error: EngineError): boolean {
  if (error.code !== undefined && connectionCodes.has(error.code)) return true;
  return /socket hang up|timeout|aborted/i.test(error.message ?? '');
}

/** What a registry answered to a pull. Registries tell "not there" from "not allowed" badly; both are said. */
export function toPullError(image: string, error: unknown): RuntimeError {
  const known = toRuntimeError(error, 'image_pull_failed');
  if (known.code === 'unreachable') return known;
  const words = known.message;
  if (/unauthorized|authentication required|access denied|forbidden|denied/i.test(words)) {
    return new RuntimeError(
      'image_pull_denied',
      `the registry refuses ${image}: it does not exist, or credentials are needed (${words})`,
      { cause: error },
    );
  }
  if (statusOf(error) === 404 || /not found|manifest unknown|no such image/i.test(words)) {
    return new RuntimeError('image_not_found', `there is no image ${image} (${words})`, { cause: error });
  }
  return new RuntimeError('image_pull_failed', `could not pull ${image}: ${words}`, { cause: error });
}
