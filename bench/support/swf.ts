/** Reads logs in the Standard Workload Format (Chapin et al., JSSPP 1999), gzipped or not, where they are stored beside the project. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { traces } from './openb.ts';

/** Times in seconds. */
export interface SwfJob {
  readonly id: number;
  readonly submit: number;
  /** As the log says: of a `easy-ref` log, what a reference EASY gave. */
  readonly wait: number;
  readonly run: number;
  readonly processors: number;
  readonly requested: number;
  readonly user: string;
}

export interface SwfLog {
  readonly name: string;
  readonly processors: number;
  readonly jobs: readonly SwfJob[];
}

const folder = join(traces, 'swf');

/** The logs that say what a reference EASY did. */
export async function readReferenceLogs(): Promise<SwfLog[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.easy-ref.swf.gz')).toSorted();
  return Promise.all(files.map(async (file) => parse(file.split('.')[0] ?? file, await readFile(join(folder, file)))));
}

function parse(name: string, content: Buffer): SwfLog {
  const lines = gunzipSync(content).toString('utf8').split('\n');
  const header = lines.find((line) => line.startsWith('; MaxProcs:')) ?? '';
  const jobs = lines
    .filter((line) => line.trim() !== '' && !line.startsWith(';'))
    .map((line): SwfJob => {
      const [id = 0, submit = 0, wait = 0, run = 0, allocated = 0, , , asked = 0, requested = 0, , , user = 0] = line
        .trim()
        .split(/\s+/)
        .map(Number);
      return {
        id,
        submit,
        wait,
        run,
        processors: asked > 0 ? asked : allocated,
        requested: requested > 0 ? requested : run,
        user: String(user),
      };
    });
  return { name, processors: Number(header.split(':')[1]), jobs };
}
