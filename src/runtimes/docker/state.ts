import type { ContainerInspectInfo } from 'dockerode';
import type { ContainerKey, ContainerState, PortMapping } from '../runtime.ts';

/** What the engine says of one container, as the port says it. */
export function toState(key: ContainerKey, info: ContainerInspectInfo): ContainerState {
  const { State: state } = info;
  const ended = ['exited', 'dead', 'removing'].includes(state.Status);
  return {
    key,
    containerId: info.Id,
    status: ended ? 'exited' : state.Status === 'created' ? 'created' : 'running',
    startedAt: timeOf(state.StartedAt),
    finishedAt: ended ? timeOf(state.FinishedAt) : null,
    exitCode: ended ? state.ExitCode : null,
    outOfMemory: ended && state.OOMKilled,
    ports: portsOf(info),
  };
}

/** The engine writes the year 1 for what has not happened. */
function timeOf(text: string): number | null {
  return text.startsWith('0001-') ? null : Date.parse(text);
}

function portsOf(info: ContainerInspectInfo): PortMapping[] {
  return Object.entries(info.NetworkSettings.Ports ?? {}).flatMap(([name, bindings]) => {
    const [container = '', protocol] = name.split('/');
    const host = bindings?.[0]?.HostPort;
    const mapping: PortMapping = {
      container: Number(container),
      host: host === undefined ? null : Number(host),
      protocol: protocol === 'udp' ? 'udp' : 'tcp',
    };
    return [mapping];
  });
}
