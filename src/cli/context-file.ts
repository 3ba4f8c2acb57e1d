/** Which service the command talks to, and as whom: contexts in a file that only its owner can read. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { CliError } from './errors.ts';

export interface Context {
  url: string;
  token?: string | undefined;
  cluster?: string | undefined;
}

export interface ContextFile {
  current: string | null;
  contexts: Record<string, Context>;
}

function contextPath(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'hypervisor', 'config.json');
}

/** An installation that was never used has no contexts. Throws where the file is not what this program wrote. */
export async function readContexts(path = contextPath()): Promise<ContextFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new CliError(`could not read ${path}: ${error.message}`);
  });
  if (text === null) return { current: null, contexts: {} };
  try {
    return await parse(text);
  } catch {
    throw new CliError(`${path} is damaged`, 1, ['Repair it, or delete it and sign in again with: hv login']);
  }
}

async function parse(text: string): Promise<ContextFile> {
  // Only where there is a file: without one, most of a command's start would be the loading of this.
  const { z } = await import('zod');
  const context = z.object({ url: z.string(), token: z.string().optional(), cluster: z.string().optional() });
  const file = z.object({
    current: z.string().nullable().default(null),
    contexts: z.record(z.string(), context).default({}),
  });
  return file.parse(JSON.parse(text));
}

export async function writeContexts(file: ContextFile, path = contextPath()): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  await rename(fresh, path);
}

/** Adds or changes a context, and makes it the current one. */
export async function saveContext(name: string, context: Context, path = contextPath()): Promise<void> {
  const file = await readContexts(path);
  file.contexts[name] = { ...file.contexts[name], ...context };
  file.current = name;
  await writeContexts(file, path);
}
