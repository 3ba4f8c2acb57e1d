/** For the tests of readers: files that go with the test, and what is wrong with them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { InputError } from '../input-error.ts';
import type { Trace } from '../trace.ts';
import { type ReadOptions, readTrace } from './read-trace.ts';

export const defaults: ReadOptions = { format: null, nodes: null, processors: null, runTime: null, seed: 1 };

export interface Files {
  readonly path: (name: string) => string;
  readonly write: (name: string, content: string | Buffer) => Promise<string>;
  /** Written, and read as a trace. */
  readonly read: (name: string, content: string | Buffer, options?: Partial<ReadOptions>) => Promise<Trace>;
  /** The message and the details of what is thrown, without the folder. */
  readonly errorOf: (reading: Promise<unknown>) => Promise<string>;
}

/** A folder for the tests of one file. */
export function temporaryFiles(): Files {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hypervisor-traces-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  const write = async (name: string, content: string | Buffer) => {
    await writeFile(path(name), content);
    return path(name);
  };
  return {
    path,
    write,
    read: async (name, content, options = {}) => readTrace(await write(name, content), { ...defaults, ...options }),
    errorOf: async (reading) => {
      const error = await reading.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(InputError);
      const { message, details } = error as InputError;
      return [message, ...details].join('\n').replaceAll(`${folder}/`, '');
    },
  };
}
