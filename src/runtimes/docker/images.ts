import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { type PullPolicy, type RegistryCredential, RuntimeError } from '../runtime.ts';
import { within } from './deadline.ts';
import { statusOf, toPullError, toRuntimeError } from './errors.ts';
import { jsonLines } from './json-lines.ts';

/** How often progress is told, at the most. */
const progressMs = 1000;
/** A pull that says nothing for so long is given up. */
const silenceMs = 5 * 60_000;

interface PullOptions {
  readonly policy: PullPolicy;
  readonly credential?: RegistryCredential;
  readonly onProgress?: (message: string) => void;
}

/** `docker` has a time limit for an answer; `patient` has none, since a pull takes as long as it takes. */
interface Clients {
  readonly docker: Docker;
  readonly patient: Docker;
  readonly answerMs: number;
}

/**
 * Makes an image present as its policy says. One that is there costs one call, and is never remembered: images are removed by
 * others too, and a start that fails for a missing image is final.
 */
export async function ensureImage(clients: Clients, image: string, options: PullOptions): Promise<void> {
  checkReference(image);
  if (options.policy !== 'always') {
    if (await isPresent(clients, image)) return;
    if (options.policy === 'never') {
      throw new RuntimeError(
        'image_not_found',
        `the image ${image} is not on this engine, and its pull policy is "never"`,
      );
    }
  }
  await pull(clients.patient, image, options);
}

/** The name becomes part of a path in the engine's API: what is no reference must not get there. */
function checkReference(image: string): void {
  const parts = image.split('/');
  if (/^[\w][\w.:/-]*(@\w+:[0-9a-fA-F]+)?$/.test(image) && parts.every((part) => part !== '' && part !== '..')) return;
  throw new RuntimeError('image_not_found', `"${image}" is not a valid name of an image`);
}

async function isPresent({ docker, answerMs }: Clients, image: string): Promise<boolean> {
  try {
    await within(answerMs, docker.getImage(image).inspect());
    return true;
  } catch (error) {
    // 400: capital letters and the like, which no registry has either.
    if (statusOf(error) === 404 || statusOf(error) === 400) return false;
    throw toRuntimeError(error, 'image_pull_failed');
  }
}

async function pull(docker: Docker, image: string, { credential, onProgress }: PullOptions): Promise<void> {
  onProgress?.(`pulling ${image}`);
  try {
    const auth = credential === undefined ? {} : { authconfig: authOf(credential) };
    const stream = (await docker.pull(withTag(image), auth)) as Readable;
    await followProgress(image, stream, onProgress);
  } catch (error) {
    if (credential === undefined) throw toPullError(image, error);
    throw toPullError(image, error, { secrets: secretsOf(credential), user: credential.username });
  }
  onProgress?.(`pulled ${image}`);
}

/** Without a tag the engine would pull every tag that there is. */
function withTag(image: string): string {
  if (image.includes('@')) return image;
  return image.slice(image.lastIndexOf('/') + 1).includes(':') ? image : `${image}:latest`;
}

function authOf({ server, username, password }: RegistryCredential) {
  return { username, password, serveraddress: server === 'docker.io' ? 'https://index.docker.io/v1/' : server };
}

/** The password as a registry may repeat it: plain, in a URL, or as the basic authentication that it was sent. */
function secretsOf({ username, password }: RegistryCredential): string[] {
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  return [password, encodeURIComponent(password), basic].filter((secret) => secret !== '');
}

async function followProgress(image: string, stream: Readable, onProgress?: (message: string) => void): Promise<void> {
  const layers = new Map<string, { current: number; total: number }>();
  let toldAt = Date.now();
  const silence = setTimeout(
    () => stream.destroy(pullFailed(`nothing came for ${silenceMs / 60_000} minutes`)),
    silenceMs,
  );
  try {
    for await (const message of jsonLines(stream)) {
      silence.refresh();
      // A pull that fails half-way says so inside the stream, not by a status.
      if (typeof message['error'] === 'string') throw pullFailed(message['error']);
      const detail = message['progressDetail'] as { current?: number; total?: number } | undefined;
      if (typeof message['id'] !== 'string' || detail?.current === undefined || detail.total === undefined) continue;
      layers.set(message['id'], { current: detail.current, total: detail.total });
      if (Date.now() - toldAt < progressMs) continue;
      toldAt = Date.now();
      onProgress?.(`pulling ${image}: ${percentOf([...layers.values()])} %`);
    }
  } finally {
    clearTimeout(silence);
  }
}

/** Known as a failed pull, so that "TLS handshake timeout" of a registry is not taken for a silent engine. */
function pullFailed(words: string): RuntimeError {
  return new RuntimeError('image_pull_failed', words);
}

function percentOf(layers: readonly { current: number; total: number }[]): number {
  const total = layers.reduce((sum, layer) => sum + layer.total, 0);
  const current = layers.reduce((sum, layer) => sum + layer.current, 0);
  return total === 0 ? 0 : Math.round((current / total) * 100);
}
