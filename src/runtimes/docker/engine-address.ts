/** Where an engine is: `unix:///path`, `tcp://host:port` or `ssh://user@host:port`. */
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

export type EngineAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'ssh'; readonly user: string; readonly host: string; readonly port: number };

const tlsPort = 2376;
const sshPort = 22;

/** @throws in plain words that continue a sentence: "must be …". */
export function parseEngineAddress(text: string): EngineAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'unix:' && url.host === '' && url.pathname.length > 1) {
    return { kind: 'unix', path: decodeURIComponent(url.pathname) };
  }
  // Numbers in other bases are addresses too: as a web address, a host is written in the one usual way.
  const web = text.replace(/^(tcp|ssh):/, 'http:');
  const { hostname = '', port = '' } = URL.canParse(web) ? new URL(web) : {};
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (url === null || host === '' || !/^\/?$/.test(url.pathname) || url.search !== '' || url.password !== '') {
    throw new Error('must be unix:///path/to/docker.sock, tcp://host:port or ssh://user@host:port');
  }
  checkHost(host);
  // A web address leaves out the port 80.
  const given = /:(\d+)\/?$/.exec(text)?.[1] ?? port;
  if (url.protocol === 'tcp:' && url.username === '') {
    return { kind: 'tcp', host, port: Number(given || tlsPort) };
  }
  if (url.protocol === 'ssh:' && url.username !== '') {
    return { kind: 'ssh', user: decodeURIComponent(url.username), host, port: Number(given || sshPort) };
  }
  throw new Error(
    url.protocol === 'ssh:'
      ? 'must name the user: ssh://user@host:port'
      : 'must be unix:///path/to/docker.sock, tcp://host:port or ssh://user@host:port',
  );
}

/** The address as it is stored and compared: with its port. */
export function writeEngineAddress(address: EngineAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  const user = address.kind === 'ssh' ? `${encodeURIComponent(address.user)}@` : '';
  return `${address.kind}://${user}${host}:${address.port}`;
}

/**
 * Never an engine, and what a cloud's machines trust blindly: the metadata services, which give away the rights of the machine
 * that asks, are at link-local and a few other addresses.
 */
const refused = new BlockList();
refused.addSubnet('0.0.0.0', 8, 'ipv4');
refused.addSubnet('169.254.0.0', 16, 'ipv4');
refused.addSubnet('224.0.0.0', 3, 'ipv4');
refused.addAddress('100.100.100.200', 'ipv4');
refused.addAddress('168.63.129.16', 'ipv4');
refused.addAddress('::', 'ipv6');
refused.addSubnet('fe80::', 10, 'ipv6');
refused.addSubnet('ff00::', 8, 'ipv6');
refused.addAddress('fd00:ec2::254', 'ipv6');

function isRefused(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && refused.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

function checkHost(host: string): void {
  if (isRefused(host)) throw new Error(`must not be ${host}: engines are not at link-local or metadata addresses`);
}

/** Looks up a name as usual, and refuses what must not be reached: a name may lead anywhere, and elsewhere a moment later. */
export const lookupEngine: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, '', 4);
      return;
    }
    const bad = addresses.find(({ address }) => isRefused(address));
    const [first] = addresses;
    if (bad !== undefined || first === undefined) {
      const message = `${host} leads to ${bad?.address ?? 'no address'}, where engines are not`;
      callback(Object.assign(new Error(message), { code: 'EREFUSED_ADDRESS' }), '', 4);
    } else if (options.all === true) {
      callback(null, addresses);
    } else {
      callback(null, first.address, first.family);
    }
  });
};
