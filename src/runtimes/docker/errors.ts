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
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNABORTED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'EPROTO',
  'EREFUSED_ADDRESS',
  'ESSH',
]);

/** Of a certificate that is not believed, ours or the engine's; by node:tls and OpenSSL. */
const tlsCodes = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH)/;

/** Their code says less than their words. */
const wordy = new Set(['ESSH', 'EREFUSED_ADDRESS', 'ERR_TLS_CERT_ALTNAME_INVALID']);

/** What the engine says of failures that users cause, and what is said to them instead. */
const plainWords: readonly (readonly [RegExp, (...found: string[]) => string])[] = [
  [
    /exec: "?([^"]+?)"?: (?:executable file not found|stat .*no such file or directory|no such file or directory)/,
    (command) => `there is no command "${command}" in the image`,
  ],
  [/exec: "?([^"]+?)"?: permission denied/, (command) => `"${command}" is not a program that may be executed`],
  [/no space left on device/i, () => "the disk of the engine's machine is full"],
  [/exec format error/, () => "the image is made for another kind of processor than this machine's"],
  [/no command specified/i, () => 'the image names no command to run: give one'],
  [/Bind for \S*?:(\d+) failed: port is already allocated/, (port) => `the host port ${port} is in use already`],
  [
    /listen (?:tcp|udp)\d? \S*?:(\d+): bind: address already in use/,
    (port) => `the host port ${port} is in use already`,
  ],
  [/bind source path does not exist: (.+)$/, (path) => `there is no ${path} on the engine's machine`],
  [
    /could not select device driver/,
    () => 'the Docker Engine cannot hand over GPUs: the NVIDIA Container Toolkit is missing on its machine',
  ],
];

interface EngineError {
  readonly statusCode?: number;
  readonly code?: string;
  readonly json?: { readonly message?: string } | string | null;
  readonly message?: string;
}

/** The engine's own words, without the client's wrapping around them. */
function wordsOf(error: EngineError): string {
  const words = typeof error.json === 'object' ? error.json?.message : undefined;
  const text = words ?? error.message ?? 'no reason given';
  return text.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}

function plain(words: string): string {
  for (const [pattern, say] of plainWords) {
    const found = pattern.exec(words);
    if (found !== null) return say(...found.slice(1));
  }
  return words;
}

export function statusOf(error: unknown): number | undefined {
  return (error as EngineError | null)?.statusCode;
}

/** What the engine answered to a request about a container, as the port says it. `fallback` is what it is otherwise. */
export function toRuntimeError(error: unknown, fallback: RuntimeErrorCode): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const engine = error as EngineError;
  const words = wordsOf(engine);
  if (isAway(engine, words)) {
    const why = engine.code === undefined || wordy.has(engine.code) ? words : engine.code;
    return new RuntimeError('unreachable', `the Docker Engine does not answer (${why})`, { cause: error });
  }
  if (engine.statusCode === 404 && /no such image/i.test(words)) {
    return new RuntimeError('image_not_found', words, { cause: error });
  }
  return new RuntimeError(fallback, plain(words), { cause: error });
}

function isAway(error: EngineError, words: string): boolean {
  // The engine answers, and the containerd that it needs does not: it is being stopped, or started.
  if (error.statusCode !== undefined) return error.statusCode === 500 && /containerd\.sock|: unavailable$/.test(words);
  if (error.code !== undefined) return connectionCodes.has(error.code) || tlsCodes.test(error.code);
  return /socket hang up|timeout|aborted/i.test(words);
}

/** The credentials of a pull: what must not be repeated, and as whom it was. */
interface PulledWith {
  readonly secrets: readonly string[];
  /** Null: as nobody. */
  readonly user: string | null;
}

/**
 * What a registry answered to a pull, told by status or inside the stream. Registries tell "not there" from "not allowed"
 * badly; both are said. The engine's own error is not kept as the cause: what a registry puts into its answer is not known.
 */
export function toPullError(
  image: string,
  error: unknown,
  { secrets, user }: PulledWith = { secrets: [], user: null },
): RuntimeError {
  const known = toRuntimeError(error, 'image_pull_failed');
  const words = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), known.message);
  if (known.code === 'unreachable') return new RuntimeError('unreachable', words);
  if (/unauthorized|authentication required|no basic auth|access denied|forbidden|denied/i.test(words)) {
    const why =
      user === null
        ? 'it does not exist, or credentials are needed'
        : `it does not exist, or the credentials of ${user} are wrong or may not read it`;
    return new RuntimeError('image_pull_denied', `the registry refuses ${image}: ${why} (${words})`);
  }
  if (statusOf(error) === 404 || /not found|manifest unknown|no such image|invalid reference format/i.test(words)) {
    return new RuntimeError('image_not_found', `there is no image ${image} (${words})`);
  }
  return new RuntimeError('image_pull_failed', `could not pull ${image}: ${words}`);
}
