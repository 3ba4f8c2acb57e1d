import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { GpuUsage } from '../seeing-in.ts';

const run = promisify(execFile);

/** What these devices do, by the word of their driver on this machine; null where none was given, or it can't be asked. */
export async function readGpuUsage(devices: readonly number[]): Promise<readonly GpuUsage[] | null> {
  if (devices.length === 0) return null;
  const query = ['--query-gpu=index,utilization.gpu,memory.used', '--format=csv,noheader,nounits'];
  try {
    const { stdout } = await run('nvidia-smi', query, { timeout: 10_000 });
    return parseGpuUsage(stdout).filter(({ index }) => devices.includes(index));
  } catch {
    return null;
  }
}

/** Exported for its test. What a device does not support is "[N/A]" or "[Not Supported]" there: not known is not 0. */
export function parseGpuUsage(csv: string): readonly GpuUsage[] {
  return csv
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((field) => numberOf(field.trim())))
    .flatMap(([index, percent, memoryMib]) =>
      index == null ? [] : [{ index, busy: percent == null ? null : percent / 100, memoryMib: memoryMib ?? null }],
    )
    .toSorted((a, b) => a.index - b.index);
}

function numberOf(text: string): number | null {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}
