/** Machines of a test's own, as far as the network goes: network namespaces on one bridge. */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { openBridge } from '../../src/platform/bridge.ts';
import { isRunning } from '../../src/platform/process.ts';

const run = promisify(execFile);
const ip = (...args: string[]) => run('/usr/sbin/ip', args);

export interface Machine {
  /** As `ip netns` knows it. */
  readonly namespace: string;
  /** On the bridge; reached from here, too. */
  readonly address: string;
  /** For what runs there: nobody else has it, and from here it is reached by way of the machine. "10.216.7.1/24". */
  readonly inside: string;
}

export interface Machines {
  readonly all: readonly Machine[];
  remove(): Promise<void>;
}

/** Named by the process that made it, as bridges are, so that what a killed one left can be told and taken away. */
const ours = /^hv-(\d+)-\d+-\d+$/;
let made = 0;

export async function openMachines(count: number): Promise<Machines> {
  await removeLeftOver();
  const bridge = await openBridge();
  if (bridge === null) throw new Error('no bridge could be made: these tests run as root, with iproute2');
  made += 1;
  const [, , third] = bridge.address.split('.');
  const all: Machine[] = [];
  try {
    for (let n = 1; n <= count; n += 1) {
      const machine = {
        namespace: `hv-${process.pid}-${made}-${n}`,
        address: `10.213.${third}.${10 + n}`,
        inside: `10.${215 + n}.${third}.1/24`,
      };
      all.push(machine);
      await connect(machine, bridge.name);
    }
  } catch (error) {
    await removeAll(all);
    await bridge.remove();
    throw error;
  }
  return {
    all,
    async remove() {
      await removeAll(all);
      await bridge.remove();
    },
  };
}

async function connect({ namespace, address, inside }: Machine, bridge: string): Promise<void> {
  // An interface's name has at most 15 characters.
  const outer = `v${namespace.slice(3)}`.slice(0, 15);
  await ip('netns', 'add', namespace);
  await ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
  await ip('link', 'set', outer, 'master', bridge, 'up');
  await ip('-n', namespace, 'link', 'set', 'lo', 'up');
  await ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0');
  await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  await run('nsenter', [`--net=/run/netns/${namespace}`, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  await ip('route', 'add', inside.replace(/\d+\/24$/, '0/24'), 'via', address);
}

/** With a namespace goes its end of the pair, and with that the other one. */
async function removeAll(machines: readonly Machine[]): Promise<void> {
  for (const { namespace } of machines) await ip('netns', 'delete', namespace).catch(() => undefined);
}

async function removeLeftOver(): Promise<void> {
  for (const name of await readdir('/run/netns').catch(() => [])) {
    const pid = ours.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await ip('netns', 'delete', name).catch(() => undefined);
  }
}
