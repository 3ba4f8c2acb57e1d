import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import type { Capacity } from '../runtime.ts';

const run = promisify(execFile);

type Device = Capacity['devices'][number];

/**
 * What the engine's machine has: memory and cores by the engine's word, GPUs by the driver's, where there is one. The driver is
 * asked on this machine, so only where the engine is on it too.
 */
export async function readCapacity(docker: Docker, isLocal: boolean): Promise<Capacity> {
  const info = (await docker.info()) as Info;
  return {
    ram: Math.floor((info.MemTotal / 1024 ** 3) * 1000),
    cpu: info.NCPU * 1000,
    devices: isLocal ? await readGpus() : [],
    labels: labelsOf(info),
  };
}

interface Info {
  readonly MemTotal: number;
  readonly NCPU: number;
  readonly Architecture: string;
  readonly OSType: string;
  readonly ServerVersion: string;
}

/** As images name them. */
const architectures: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

/** Exported for its test. A value has the form of a label: what does not fit into it becomes "_". */
export function labelsOf(info: Pick<Info, 'Architecture' | 'OSType' | 'ServerVersion'>): Record<string, string> {
  const { Architecture: arch, OSType: os, ServerVersion: version } = info;
  const found = { arch: architectures[arch] ?? arch, os, docker_version: version };
  return Object.fromEntries(
    Object.entries(found).map(([name, value]) => {
      const safe = value.slice(0, 63).replaceAll(/[^A-Za-z0-9._-]/g, '_');
      return [name, safe.replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')];
    }),
  );
}

async function readGpus(): Promise<readonly Device[]> {
  const query = ['--query-gpu=index,name,memory.total', '--format=csv,noheader,nounits'];
  try {
    const { stdout } = await run('nvidia-smi', query, { timeout: 10_000 });
    return parseGpus(stdout);
  } catch {
    return []; // No driver, no GPUs that could be handed over.
  }
}

/** Exported for its test. The order is that of the driver's indices, by which devices are handed over. */
export function parseGpus(csv: string): readonly Device[] {
  return csv
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((field) => field.trim()))
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, model = 'generic', memory]) => {
      const memoryMib = Number(memory);
      // Devices that share the machine's memory say "[N/A]".
      return { model, memoryMib: Number.isFinite(memoryMib) ? memoryMib : 0, driver: 'nvidia' };
    });
}
