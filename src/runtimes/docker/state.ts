import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import type { ContainerKey, ContainerState, PortMapping } from '../runtime.ts';

/** The engine's words for a state, as the port's. Paused and restarting ones hold what they hold: they run. */
function statusOf(engineState: string): ContainerState['status'] {
  if (['exited', 'dead', 'removing'].includes(engineState)) return 'exited';
  return engineState === 'created' ? 'created' : 'running';
}

/** What the engine says of one container, as the port says it. */
export function toState(key: ContainerKey, info: ContainerInspectInfo): ContainerState {
  const { State: state } = info;
  const status = statusOf(state.Status);
  const ended = status === 'exited';
  return {
    key,
    containerId: info.Id,
    status,
    startedAt: timeOf(state.StartedAt),
    finishedAt: ended ? timeOf(state.FinishedAt) : null,
    exitCode: ended ? state.ExitCode : null,
    // The engine also says so where a child of the program was killed, and the program went on to its good end.
    outOfMemory: ended && state.OOMKilled && state.ExitCode !== 0,
    ports: portsOf(info),
  };
}

/** The state as far as a listing tells it; null for an ended one: how it ended takes a second look. */
export function toListedState(key: ContainerKey, info: ContainerInfo): ContainerState | null {
  const status = statusOf(info.State);
  if (status === 'exited') return null;
  const unknown = { startedAt: null, finishedAt: null, exitCode: null, outOfMemory: false, ports: [] };
  return { key, containerId: info.Id, status, ...unknown };
}

/** The engine writes the year 1 for what has not happened. */
function timeOf(text: string): number | null {
  return text.startsWith('0001-') ? null : Date.parse(text);
}

type Binding = { readonly HostIp: string; readonly HostPort: string };

/** Ports that the image exposes and nobody bound are none. */
function portsOf(info: ContainerInspectInfo): PortMapping[] {
  const ports = Object.entries(info.NetworkSettings.Ports ?? {}) as [string, Binding[] | null][];
  return ports.flatMap(([name, bindings]) => {
    const [container = '', protocol] = name.split('/');
    return hostPorts(bindings ?? []).map(
      (host): PortMapping => ({ container: Number(container), host, protocol: protocol === 'udp' ? 'udp' : 'tcp' }),
    );
  });
}

/** Each binding is told for IPv4 and again for IPv6, where a port that the engine picked may be another: IPv4 counts. */
function hostPorts(bindings: readonly Binding[]): number[] {
  const version4 = bindings.filter((binding) => !binding.HostIp.includes(':'));
  return [...new Set((version4.length > 0 ? version4 : bindings).map((binding) => Number(binding.HostPort)))];
}
