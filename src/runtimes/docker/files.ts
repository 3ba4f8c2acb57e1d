import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import type { ContainerFile } from '../runtime.ts';
import { within } from './deadline.ts';

/** Puts files into a container that was made and not started, over those that an earlier call put there. */
export async function putFiles(
  container: Docker.Container,
  files: readonly ContainerFile[],
  answerMs: number,
): Promise<void> {
  if (files.length === 0) return;
  await within(answerMs, container.putArchive(await archiveOf(files), { path: '/' }));
}

/** A tar archive. Directories are left out: the engine makes those that are missing, and others stay as they are. */
async function archiveOf(files: readonly ContainerFile[]): Promise<Buffer> {
  const archive = pack();
  for (const { path, content, mode } of files) archive.entry({ name: path.slice(1), mode, uid: 0, gid: 0 }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
