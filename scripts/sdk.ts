import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@hey-api/openapi-ts';
import pino from 'pino';
import { createServer } from '../src/api/server.ts';
import { deploymentFileSchema } from '../src/cli/files/deployment-file.ts';
import { secretKeyInMemory } from '../src/secret-key.ts';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is generated, below the root of the repository. */
export const generated = {
  document: 'schema/openapi.json',
  deploymentFile: 'schema/deployment.schema.json',
  sdk: 'src/sdk',
} as const;

/** The OpenAPI document as the server would serve it. No database is needed: nothing is asked for. */
export async function openApiDocument(): Promise<string> {
  const unused = {} as never;
  const server = createServer({
    db: unused,
    control: unused,
    config: { registration: 'open', secureCookies: false },
    secretKey: secretKeyInMemory(),
    logger: pino({ level: 'silent' }),
  });
  await server.ready();
  const document = server.swagger();
  await server.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Generates the document, the schema of deployment files and the SDK below `target`. */
export async function generateSdk(target: string): Promise<void> {
  const document = join(target, generated.document);
  await mkdir(dirname(document), { recursive: true });
  await writeFile(document, await openApiDocument());
  await writeFile(join(target, generated.deploymentFile), deploymentFileSchema());
  await createClient({
    input: document,
    output: { path: join(target, generated.sdk), importFileExtension: '.ts', clean: true },
    plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
    logs: { level: 'silent' },
  });
}

/** All files below a folder, by their path relative to it. */
export async function filesBelow(dir: string): Promise<Map<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, string>();
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    files.set(relative(dir, path), await readFile(path, 'utf8'));
  }
  return files;
}
