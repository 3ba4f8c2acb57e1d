import type Docker from 'dockerode';
import type { ContainerInspectInfo } from 'dockerode';
import { RuntimeError } from '../runtime.ts';
import type { Usage } from '../seeing-in.ts';
import { within } from './deadline.ts';
import { statusOf, toRuntimeError } from './errors.ts';
import { readGpuUsage } from './gpu-usage.ts';

const bytesPerGb = 1024 ** 3;

/** What of the engine's answer counts here (Docker Engine API, "Get container stats based on resource usage"). */
export interface EngineStats {
  readonly read: string;
  readonly cpu_stats: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats: {
    readonly usage?: number;
    readonly stats?: { readonly total_inactive_file?: number; readonly inactive_file?: number };
  };
}

/** Looks once. The engine's own rate of the CPU would take it a second look, a second later. */
export async function readUsage(
  container: Docker.Container,
  info: ContainerInspectInfo,
  answerMs: number,
  isLocal: boolean,
): Promise<Usage> {
  try {
    const looking = container.stats({ stream: false, 'one-shot': true }) as unknown as Promise<EngineStats>;
    const usage = toUsage(await within(answerMs, looking));
    if (usage === null) throw new RuntimeError('not_running', 'the container does not run');
    return { ...usage, gpus: isLocal ? await readGpuUsage(devicesOf(info)) : null };
  } catch (error) {
    throw toRuntimeError(error, statusOf(error) === 404 ? 'not_found' : 'unreachable');
  }
}

/** Null where nothing is counted: of a container that does not run, the engine answers with an empty sheet. */
export function toUsage(stats: EngineStats): Omit<Usage, 'gpus'> | null {
  const cpuNs = stats.cpu_stats.cpu_usage?.total_usage;
  const bytes = workingBytes(stats.memory_stats);
  if (stats.read.startsWith('0001-') || cpuNs === undefined || bytes === null) return null;
  return {
    at: Date.parse(stats.read),
    cpuMs: Math.round(cpuNs / 1e6),
    ram: Math.round((bytes * 1000) / bytesPerGb),
  };
}

/**
 * Without the pages of files that nobody has used lately, as `docker stats` counts. The first version of control groups tells them
 * with and without the groups below; the second only with.
 */
function workingBytes({ usage, stats }: EngineStats['memory_stats']): number | null {
  if (usage === undefined) return null;
  const inactive = stats?.total_inactive_file ?? stats?.inactive_file ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

/** The GPUs that it was given by NVIDIA's driver; others can't be asked. */
function devicesOf({ HostConfig }: ContainerInspectInfo): number[] {
  const requests = HostConfig.DeviceRequests ?? [];
  const ids = requests.filter(({ Driver }) => Driver === 'nvidia').flatMap(({ DeviceIDs }) => DeviceIDs ?? []);
  return ids.map(Number);
}
