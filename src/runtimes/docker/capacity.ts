import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import type { Capacity } from '../runtime.ts';

const run = promisify(execFile);

/** What the engine's machine has: memory and cores by the engine's word, GPUs by the driver's, where there is one. */
export async function readCapacity(docker: Docker): Promise<Capacity> {
  const info = (await docker.info()) as { MemTotal: number; NCPU: number };
  return {
    ram: Math.floor((info.MemTotal / 1024 ** 3) * 1000),
    cpu: info.NCPU * 1000,
    devices: await readGpus(),
  };
}

async function readGpus(): Promise<Capacity['devices']> {
  try {
    const { stdout } = await run('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'], {
      timeout: 10_000,
    });
    return stdout
      .trim()
      .split('\n')
      .map((line) => {
        const [model = 'generic', memory = '0'] = line.split(',').map((field) => field.trim());
        return { model, memoryMib: Number(memory), driver: 'nvidia' as const };
      });
  } catch {
    return []; // No driver, no GPUs that could be handed over.
  }
}
