import type { EnginePort } from '../support/engine-port.ts';

export interface OurContainer {
  readonly id: string;
  readonly deploymentId: string;
  readonly attempt: number;
  readonly replica: number;
  readonly run: number;
}

const labelOf = (installationId: string) => `hypervisor.installation=${installationId}`;

export function runningOn(engine: EnginePort, installationId: string): Promise<OurContainer[]> {
  return list(engine, installationId, false);
}

/** Whether they run or not. */
export function containersOn(engine: EnginePort, installationId: string): Promise<OurContainer[]> {
  return list(engine, installationId, true);
}

async function list({ docker }: EnginePort, installationId: string, all: boolean): Promise<OurContainer[]> {
  const listed = await docker.listContainers({ all, filters: { label: [labelOf(installationId)] } });
  return listed.map(({ Id, Labels }) => ({
    id: Id,
    deploymentId: Labels['hypervisor.deployment'] ?? '',
    attempt: Number(Labels['hypervisor.attempt']),
    replica: Number(Labels['hypervisor.replica']),
    run: Number(Labels['hypervisor.run']),
  }));
}

/** By name. */
export async function networksOn({ docker }: EnginePort, installationId: string): Promise<string[]> {
  const listed = await docker.listNetworks({ filters: { label: [labelOf(installationId)] } });
  return listed.map(({ Name }) => Name);
}
