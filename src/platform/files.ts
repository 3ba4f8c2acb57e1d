import { access, readFile, rename, stat } from 'node:fs/promises';

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The end of a server's log, for an error that says why it did not start. */
export async function endOf(logPath: string): Promise<string> {
  const text = await readFile(logPath, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-15).join('\n');
}

const logMax = 10 * 1024 * 1024;

/** Keeps the log of a server that runs for years small: what is long is put aside when the server starts. */
export async function rotateLog(logPath: string): Promise<void> {
  const size = await stat(logPath).then(
    (info) => info.size,
    () => 0,
  );
  if (size > logMax) await rename(logPath, `${logPath}.1`);
}
