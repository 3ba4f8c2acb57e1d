/** One attempt to deliver a message. */
import http from 'node:http';
import https from 'node:https';
import { AddressRefused, type AddressRules, guardedLookup, hostOf, isAddress } from './addresses.ts';

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SendOptions {
  readonly rules: AddressRules;
  /** From the look-up of the name to the end of the answer. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface SendResult {
  /** It was answered with 2xx. */
  readonly succeeded: boolean;
  /** Null where nothing was answered. */
  readonly responseCode: number | null;
  /** What went wrong, as the end of a sentence that begins with the receiver; null where nothing did. */
  readonly error: string | null;
  readonly durationMs: number;
}

/** Of an answer no more than this is read, and none of it is kept: only its status counts. */
const answerBytesMax = 64 * 1024;

/**
 * Posts the message and waits for the answer's status. Never throws: what goes wrong is the result. Redirects are not followed, and
 * every address is judged when it is connected to.
 */
export async function post(message: Post, options: SendOptions): Promise<SendResult> {
  const startedAt = performance.now();
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  try {
    const code = await statusOf(message, options.rules, signal);
    const error = code >= 200 && code < 300 ? null : errorOfStatus(code);
    return { succeeded: error === null, responseCode: code, error, durationMs: performance.now() - startedAt };
  } catch (error) {
    const words = signal.aborted ? `gave no answer within ${options.timeoutMs / 1000} s` : errorInWords(error);
    return { succeeded: false, responseCode: null, error: words, durationMs: performance.now() - startedAt };
  }
}

function statusOf({ url: text, headers, body }: Post, rules: AddressRules, signal: AbortSignal): Promise<number> {
  const url = new URL(text);
  const host = hostOf(url);
  const kind = isAddress(host) ? rules.refusal(host) : null;
  if (kind !== null) return Promise.reject(new AddressRefused(kind));
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      method: 'POST',
      // A connection of its own: what was judged is what is used.
      agent: false,
      lookup: guardedLookup(rules),
      signal,
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > answerBytesMax) response.destroy();
      });
      // Cut off or not: the status was there.
      response.on('error', () => undefined);
      response.on('close', () => resolve(response.statusCode ?? 0));
    });
    request.end(body);
  });
}

function errorOfStatus(code: number): string {
  if (code >= 300 && code < 400)
    return `answered with ${code}: redirects are not followed, give the address it leads to`;
  if (code === 410) return 'answered with 410: it wants no more of them';
  return `answered with ${code}, and not with 2xx`;
}

const codes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'cut the connection off before it answered',
  EPIPE: 'cut the connection off before it answered',
  EHOSTUNREACH: 'can not be reached from here',
  ENETUNREACH: 'can not be reached from here',
  ETIMEDOUT: 'can not be reached: nothing answers at its address',
  ENOTFOUND: 'has a name that is unknown',
  ENODATA: 'has a name without an address',
  EAI_AGAIN: 'has a name that could not be looked up',
  ETIMEOUT: 'has a name that could not be looked up',
};

function errorInWords(error: unknown): string {
  if (error instanceof AddressRefused) return `was not asked: ${error.message}`;
  const known = errorsIn(error);
  // Several addresses were tried: the first says what is wrong.
  for (const { code } of known) if (code !== undefined && codes[code] !== undefined) return codes[code];
  const [first] = known;
  if (first === undefined) return 'could not be asked';
  return /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(first.code ?? '')
    ? `could not be trusted: ${first.message}`
    : `gave no answer that could be read: ${first.message}`;
}

function errorsIn(error: unknown): readonly NodeJS.ErrnoException[] {
  if (error instanceof AggregateError) return error.errors as NodeJS.ErrnoException[];
  return error instanceof Error ? [error] : [];
}
