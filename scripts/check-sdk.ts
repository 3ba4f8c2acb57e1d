/** Fails where schema/ or src/sdk is not what the routes would generate today. */
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

function textOf(dir: string, path: string): Promise<string> {
  return readFile(join(dir, path), 'utf8').catch(() => '');
}

async function differences(made: string): Promise<string[]> {
  const different: string[] = [];
  for (const path of [generated.document, generated.deploymentFile]) {
    if ((await textOf(root, path)) !== (await textOf(made, path))) different.push(path);
  }
  const [there, wanted] = [await filesBelow(join(root, generated.sdk)), await filesBelow(join(made, generated.sdk))];
  for (const path of new Set([...there.keys(), ...wanted.keys()])) {
    if (there.get(path) !== wanted.get(path)) different.push(join(generated.sdk, path));
  }
  return different;
}
