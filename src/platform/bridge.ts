import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { exists } from './files.ts';
import { isRunning } from './process.ts';

const run = promisify(execFile);
const ip = ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'];

export interface Bridge {
  readonly name: string;
  /** Its own, with the length of the network: "10.213.7.1/24". */
  readonly address: string;
  remove(): Promise<void>;
}

const triesMax = 5;

/** Named by the process that made it, so that what a killed one left can be told and taken away. */
const ours = /^hv-(\d+)-\d+$/;
let made = 0;

/**
 * A network bridge for the containers of one engine: two engines on the default one give the same addresses to their
 * containers. Null where the machine can't make any (no `ip`, no right): then the default has to do.
 */
export function openBridge(): Promise<Bridge | null> {
  // One after the other: two that look for a free network at once would find the same.
  const mine = turn.then(open);
  turn = mine.catch(() => undefined);
  return mine;
}

let turn: Promise<unknown> = Promise.resolve();

async function open(): Promise<Bridge | null> {
  const program = await findIp();
  if (program === null) return null;
  await removeLeftOver(program);
  for (let tries = 0; tries < triesMax; tries += 1) {
    const bridge = await make(program);
    if (bridge === null || (await isAlone(program, bridge))) return bridge;
    await bridge.remove();
  }
  return null;
}

/** Null where the machine does not let us. */
async function make(program: string): Promise<Bridge | null> {
  made += 1;
  const name = `hv-${process.pid}-${made}`;
  const remove = async () => {
    await run(program, ['link', 'delete', name]).catch(() => undefined);
  };
  try {
    await run(program, ['link', 'add', 'name', name, 'type', 'bridge']);
    const address = freeAddress(await usedAddresses(program));
    await run(program, ['address', 'add', address, 'dev', name]);
    await run(program, ['link', 'set', name, 'up']);
    return { name, address, remove };
  } catch {
    await remove();
    return null;
  }
}

/** Another process may have taken the same network between our look and our taking: of the two, both look for another. */
async function isAlone(program: string, { address }: Bridge): Promise<boolean> {
  const used = await usedAddresses(program);
  return used.filter((one) => one === address.replace(/\/.*/, '')).length === 1;
}

async function findIp(): Promise<string | null> {
  for (const path of ip) if (await exists(path)) return path;
  return null;
}

async function removeLeftOver(program: string): Promise<void> {
  const { stdout } = await run(program, ['-json', 'link', 'show']);
  for (const { ifname } of JSON.parse(stdout) as { ifname: string }[]) {
    const pid = ours.exec(ifname)?.[1];
    if (pid !== undefined && !isRunning(Number(pid)))
      await run(program, ['link', 'delete', ifname]).catch(() => undefined);
  }
}

/** Also those of interfaces that are down, which Node does not tell. */
async function usedAddresses(program: string): Promise<string[]> {
  const { stdout } = await run(program, ['-json', 'address', 'show']);
  const interfaces = JSON.parse(stdout) as { addr_info: { local?: string }[] }[];
  const listed = interfaces.flatMap(({ addr_info }) => addr_info.map(({ local }) => local ?? ''));
  return listed;
}

/** One of 256 private networks that nobody here uses. */
function freeAddress(used: readonly string[]): string {
  for (let offset = 0; offset < 256; offset += 1) {
    const network = `10.213.${(process.pid + offset) % 256}.`;
    if (!used.some((address) => address.startsWith(network))) return `${network}1/24`;
  }
  throw new Error('no network is free');
}
