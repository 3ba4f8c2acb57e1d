/** How an engine that somebody added is reached: by a socket, over TLS, or over SSH. */
import type { Agent as HttpAgent } from 'node:http';
import { Agent } from 'node:https';
import { createSecureContext } from 'node:tls';
import type Docker from 'dockerode';
import { type EngineAddress, lookupEngine } from './engine-address.ts';
import { checkPrivateKey, parseHostKey, SshAgent } from './ssh-agent.ts';

/** Kept encrypted, and given to nobody but the connection. All as PEM or as OpenSSH writes it. */
export interface EngineCredentials {
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  readonly ssh?: { readonly key: string; readonly hostKey: string } | undefined;
}

export interface EngineConnection {
  /** The types of the client do not know that it takes an agent. */
  readonly options: Docker.DockerOptions & { readonly agent?: HttpAgent };
  readonly close: () => void;
}

/** @throws where the credentials are not what the address needs; `checkCredentials` says which. */
export function connectionTo(address: EngineAddress, { tls, ssh }: EngineCredentials): EngineConnection {
  if (address.kind === 'unix') return { options: { socketPath: address.path }, close: () => undefined };
  const { host, port } = address;
  if (address.kind === 'tcp') {
    if (tls === undefined) throw new Error('an engine over TCP needs TLS');
    const agent = new Agent({ ...tls, keepAlive: true, lookup: lookupEngine, minVersion: 'TLSv1.2' });
    return { options: { protocol: 'https', host, port, agent }, close: () => agent.destroy() };
  }
  if (ssh === undefined) throw new Error('an engine over SSH needs a key');
  const agent = new SshAgent({ host, port, user: address.user, ...ssh });
  // What goes through the channel is plain HTTP: the host says where published ports are, and the port nothing.
  return { options: { protocol: 'http', host, port: 80, agent }, close: () => agent.destroy() };
}

/** Whether an address is reached with such credentials. */
export function fitsCredentials(address: EngineAddress, { tls, ssh }: EngineCredentials): boolean {
  if (address.kind === 'unix') return tls === undefined && ssh === undefined;
  return address.kind === 'tcp' ? tls !== undefined : ssh !== undefined;
}

/** What is wrong with the credentials of an engine: by field, in words that continue a sentence. */
export function checkCredentials(
  address: EngineAddress,
  { tls, ssh }: EngineCredentials,
): { readonly field: string; readonly message: string }[] {
  const needs = { unix: 'neither', tcp: 'tls', ssh: 'ssh' }[address.kind];
  const errors: { field: string; message: string }[] = [];
  const complain = (field: string, message: string) => void errors.push({ field, message });
  if (needs === 'tls' && tls === undefined) {
    complain('tls', 'is missing: without it, whoever reaches the port owns the machine');
  }
  if (needs === 'ssh' && ssh === undefined)
    complain('ssh', 'is missing: a private key, and the public key of the host');
  if (needs !== 'tls' && tls !== undefined) complain('tls', 'is only for addresses that begin with tcp://');
  if (needs !== 'ssh' && ssh !== undefined) complain('ssh', 'is only for addresses that begin with ssh://');
  if (tls !== undefined) errors.push(...wrongCertificates(tls));
  if (ssh !== undefined) {
    tell(complain, 'ssh.key', () => checkPrivateKey(ssh.key));
    tell(complain, 'ssh.host_key', () => parseHostKey(ssh.hostKey));
  }
  return errors;
}

function works(options: Parameters<typeof createSecureContext>[0]): boolean {
  try {
    createSecureContext(options);
    return true;
  } catch {
    return false;
  }
}

function wrongCertificates(tls: NonNullable<EngineCredentials['tls']>): { field: string; message: string }[] {
  const errors: { field: string; message: string }[] = [];
  if (!/-----BEGIN CERTIFICATE-----/.test(tls.ca) || !works({ ca: tls.ca })) {
    errors.push({ field: 'tls.ca', message: 'must be a certificate in PEM: ca.pem' });
  }
  if (!works({ cert: tls.cert })) errors.push({ field: 'tls.cert', message: 'must be a certificate in PEM: cert.pem' });
  else if (!works({ key: tls.key }))
    errors.push({ field: 'tls.key', message: 'must be a private key in PEM: key.pem' });
  else if (!works({ cert: tls.cert, key: tls.key })) {
    errors.push({ field: 'tls.key', message: 'does not belong to the certificate' });
  }
  return errors;
}

function tell(complain: (field: string, message: string) => void, field: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    complain(field, error instanceof Error ? error.message : String(error));
  }
}
