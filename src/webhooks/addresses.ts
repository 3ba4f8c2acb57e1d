/**
 * Which addresses webhooks may reach. Whoever may make a webhook would else have the control plane ask what only it can reach: its
 * own machine, the private network, the metadata service of a cloud.
 */
import { lookup as systemLookup } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import pLimit from 'p-limit';

/** Where public addresses serve the inside all the same: Azure's virtual machines know their platform by this one. */
const internalThoughPublic = new Set(['168.63.129.16']);

export class AddressRefused extends Error {
  constructor(kind: string) {
    super(
      `it leads to an internal address (${kind}), and requests to those are not allowed unless the operator names them in HYPERVISOR_WEBHOOK_ALLOW`,
    );
    this.name = 'AddressRefused';
  }
}

export interface AddressRules {
  /** What kind of internal address it is; null where it may be reached. */
  refusal(address: string): string | null;
}

/**
 * Public addresses, and those that the operator names: each an address or a range like `10.1.0.0/16`. Throws in plain words for
 * what is neither.
 */
export function addressRules(allowed: readonly string[]): AddressRules {
  const ranges = allowed.map(rangeOf);
  return {
    refusal(text) {
      // `process` makes of an IPv4 address that is written as an IPv6 one what it is.
      const address = ipaddr.process(text);
      if (ranges.some((range) => address.kind() === range[0].kind() && address.match(range))) return null;
      const kind = address.range();
      if (kind === 'unicast') return internalThoughPublic.has(address.toString()) ? 'platform' : null;
      return words[kind] ?? 'reserved';
    },
  };
}

const words: Readonly<Record<string, string>> = {
  unspecified: 'unspecified',
  broadcast: 'broadcast',
  multicast: 'multicast',
  linkLocal: 'link-local',
  loopback: 'loopback',
  carrierGradeNat: 'carrier-grade NAT',
  private: 'private',
  uniqueLocal: 'private',
};

function rangeOf(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (isAddress(text)) {
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  }
  throw new Error(`"${text}" must be an address like 10.0.0.7, or a range like 10.0.0.0/8`);
}

/** Whether the host of a URL is an address and no name. */
export function isAddress(host: string): boolean {
  return ipaddr.IPv6.isValid(host) || ipaddr.IPv4.isValidFourPartDecimal(host);
}

/** The host of a URL as an address is written elsewhere: IPv6 without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

/**
 * For the connection itself: what it resolves is what is connected to, so that a name that answers differently the second time
 * gains nothing. Not asked where the host is an address.
 */
export function guardedLookup(rules: AddressRules): LookupFunction {
  return (host, options, callback) => void answerLookup(rules, host, options, callback);
}

async function answerLookup(
  rules: AddressRules,
  ...[host, options, callback]: Parameters<LookupFunction>
): Promise<void> {
  const found = await reachableOf(host, rules);
  if (found instanceof Error) callback(found, '', 0);
  else if (options.all === true) callback(null, [...found]);
  else callback(null, found[0].address, found[0].family);
}

/** One address at least; or why there is none, as a value: it is for a callback. */
async function reachableOf(host: string, rules: AddressRules): Promise<readonly [Resolved, ...Resolved[]] | Error> {
  try {
    const addresses = await resolve(host);
    const judged = addresses.map((one) => ({ one, refusal: rules.refusal(one.address) }));
    const [first, ...others] = judged.filter(({ refusal }) => refusal === null).map(({ one }) => one);
    if (first !== undefined) return [first, ...others];
    return new AddressRefused(judged.find(({ refusal }) => refusal !== null)?.refusal ?? 'none');
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

interface Resolved {
  readonly address: string;
  readonly family: number;
}

/**
 * The system's look-up takes a thread of the few that passwords are hashed on, too, for as long as a name server likes. So a name
 * with a dot, whose name server may be anybody's, is asked without one, and of the others so many at a time.
 */
const systemLookups = pLimit(2);
const resolver = new Resolver({ timeout: 2000, tries: 2 });

async function resolve(host: string): Promise<Resolved[]> {
  if (host.includes('.') && !host.endsWith('.localhost')) {
    const found = await byNameServer(host);
    if (found.length > 0) return found;
  }
  return systemLookups(
    () =>
      new Promise((done, fail) => {
        systemLookup(host, { all: true }, (error, addresses) => (error === null ? done(addresses) : fail(error)));
      }),
  );
}

const unknown = new Set(['ENOTFOUND', 'ENODATA']);

/** None where the name servers know of none: the machine's own list of hosts may. */
async function byNameServer(host: string): Promise<Resolved[]> {
  const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
  ];
  if (found.length > 0) return found;
  for (const answer of [four, six]) {
    if (answer.status === 'rejected' && !unknown.has(String((answer.reason as { code?: string }).code)))
      throw answer.reason;
  }
  return [];
}
