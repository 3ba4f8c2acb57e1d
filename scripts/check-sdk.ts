/** Fails where schema/openapi.json or src/sdk is not what the routes would generate today. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesBelow, generated, generateSdk, root } from './sdk.ts';

const fresh = await mkdtemp(join(tmpdir(), 'hypervisor-sdk-'));
try {
  await generateSdk(fresh);
  const stale = await differences(fresh);
  if (stale.length > 0) {
    console.error(`Generated files are stale: ${stale.join(', ')}.\nRun "npm run sdk" and commit what it writes.`);
    process.exitCode = 1;
  } else {
    console.log('The generated files are up to date.');
  }
} finally {
  await rm(fresh, { recursive: true, force: true });
}

async function differences(made: string): Promise<string[]> {
  const different: string[] = [];
  const document = (dir: string) => readFile(join(dir, generated.document), 'utf8').catch(() => '');
  if ((await document(root)) !== (await document(made))) different.push(generated.document);
  const [there, wanted] = [await filesBelow(join(root, generated.sdk)), await filesBelow(join(made, generated.sdk))];
  for (const path of new Set([...there.keys(), ...wanted.keys()])) {
    if (there.get(path) !== wanted.get(path)) different.push(join(generated.sdk, path));
  }
  return different;
}
