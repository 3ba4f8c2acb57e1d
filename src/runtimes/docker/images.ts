import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { type PullPolicy, type RegistryCredential, RuntimeError } from '../runtime.ts';
import { statusOf, toPullError, toRuntimeError } from './errors.ts';
import { jsonLines } from './json-lines.ts';

/** How often progress is told, at the most. */
const progressMs = 1000;

interface PullOptions {
  readonly policy: PullPolicy;
  readonly credential?: RegistryCredential;
  readonly onProgress?: (message: string) => void;
}

/** Makes an image present as its policy says. */
export async function ensureImage(docker: Docker, image: string, options: PullOptions): Promise<void> {
  if (options.policy !== 'always') {
    if (await isPresent(docker, image)) return;
    if (options.policy === 'never') {
      throw new RuntimeError(
        'image_not_found',
        `the image ${image} is not on this engine, and its pull policy is "never"`,
      );
    }
  }
  await pull(docker, image, options);
}

async function isPresent(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw toRuntimeError(error, 'image_pull_failed');
  }
}

async function pull(docker: Docker, image: string, { credential, onProgress }: PullOptions): Promise<void> {
  onProgress?.(`pulling ${image}`);
  try {
    const stream = await docker.pull(
      withTag(image),
      credential === undefined ? {} : { authconfig: authOf(credential) },
    );
    await followProgress(image, stream as Readable, onProgress);
  } catch (error) {
    throw toPullError(image, error);
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

/** A pull that fails half-way says so inside the stream, not by a status. */
async function followProgress(image: string, stream: Readable, onProgress?: (message: string) => void): Promise<void> {
  const layers = new Map<string, { current: number; total: number }>();
  let toldAt = Date.now();
  for await (const message of jsonLines(stream)) {
    if (typeof message['error'] === 'string') throw new Error(message['error']);
    const detail = message['progressDetail'] as { current?: number; total?: number } | undefined;
    if (typeof message['id'] !== 'string' || detail?.current === undefined || detail.total === undefined) continue;
    layers.set(message['id'], { current: detail.current, total: detail.total });
    if (Date.now() - toldAt < progressMs) continue;
    toldAt = Date.now();
    onProgress?.(`pulling ${image}: ${percentOf([...layers.values()])} %`);
  }
}

function percentOf(layers: readonly { current: number; total: number }[]): number {
  const total = layers.reduce((sum, layer) => sum + layer.total, 0);
  const current = layers.reduce((sum, layer) => sum + layer.current, 0);
  return total === 0 ? 0 : Math.round((current / total) * 100);
}
