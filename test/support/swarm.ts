/** A real swarm of a test's own: engines that each have a machine (network-namespaces.ts), the first of them the manager. */
import Docker from 'dockerode';
import { type Machine, openMachines } from './network-namespaces.ts';
import { openPrivateEngine, type PrivateEngine } from './private-engines.ts';

export interface SwarmMachine extends PrivateEngine, Machine {
  /** Its id in the swarm. */
  readonly nodeId: string;
  readonly docker: Docker;
}

export interface TestSwarm {
  /** The manager first. */
  readonly machines: readonly [SwarmMachine, ...SwarmMachine[]];
  remove(): Promise<void>;
}

interface Options {
  readonly machines: number;
  /** More flags for the engine of each machine, in their order; the machines are there, and their engines not yet. */
  readonly flags?: (machines: readonly Machine[]) => Promise<readonly (readonly string[])[]>;
}

const port = 2377;
/** Names that nobody knows here are known to nobody, at once: there is no way to a server that could be asked. */
const common = ['--dns=127.0.0.1', '--dns-opt=timeout:1', '--dns-opt=attempts:1'];

export async function openSwarm({ machines: count, flags = async () => [] }: Options): Promise<TestSwarm> {
  const network = await openMachines(count);
  const engines: PrivateEngine[] = [];
  const remove = async () => {
    await Promise.all(engines.map((engine) => engine.remove()));
    await network.remove();
  };
  try {
    const more = await flags(network.all);
    const opened = network.all.map(async (machine, index) => {
      // What the engine gives its containers is reached by way of the machine; it is no firewall's business.
      const engine = await openPrivateEngine(
        [...common, `--bip=${machine.inside}`, ...(more[index] ?? [])],
        machine.namespace,
      );
      engines.push(engine);
      return { ...machine, ...engine, docker: new Docker({ socketPath: engine.socketPath }) };
    });
    const all = await Promise.all(opened);
    const [manager, ...workers] = all;
    if (manager === undefined) throw new Error('a swarm has at least one machine');
    const at = (address: string) => ({
      AdvertiseAddr: address,
      ListenAddr: `${address}:${port}`,
      DataPathAddr: address,
    });
    await manager.docker.swarmInit({ ...at(manager.address), DefaultAddrPool: ['10.220.0.0/16'], SubnetSize: 24 });
    const { JoinTokens } = (await manager.docker.swarmInspect()) as { JoinTokens: { Worker: string } };
    await Promise.all(
      workers.map(({ docker, address }) =>
        docker.swarmJoin({ ...at(address), RemoteAddrs: [`${manager.address}:${port}`], JoinToken: JoinTokens.Worker }),
      ),
    );
    const members = await Promise.all(all.map(async (one) => ({ ...one, nodeId: await nodeIdOf(one.docker) })));
    return { machines: members as [SwarmMachine, ...SwarmMachine[]], remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function nodeIdOf(docker: Docker): Promise<string> {
  const { Swarm } = (await docker.info()) as { Swarm: { NodeID: string } };
  return Swarm.NodeID;
}
