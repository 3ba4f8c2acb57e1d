/**
 * Speaks with an engine through `docker system dial-stdio` at the far end of an SSH connection, as the docker CLI does. The client's own
 * way is not used: it makes a connection for each request, and believes any host.
 */
import { Agent } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import ssh2, { type Client, type ClientChannel, type ConnectConfig } from 'ssh2';
import { lookupEngine } from './engine-address.ts';

export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** The private key, as OpenSSH writes it, without a passphrase. */
  readonly key: string;
  /** The public key of the host, as in a known_hosts file: another one is not spoken with. */
  readonly hostKey: string;
}

const command = 'docker system dial-stdio';
/** OpenSSH allows ten sessions over one connection (MaxSessions). */
const channelsPerConnection = 8;
const readyMs = 20_000;
const keepaliveMs = 15_000;
/** Of what the command complains about, so much is told. */
const complaintMax = 300;

interface Connection {
  readonly ready: Promise<Client>;
  channels: number;
}

export class SshAgent extends Agent {
  readonly #target: SshTarget;
  readonly #connections = new Set<Connection>();

  constructor(target: SshTarget) {
    // Each request has a channel of its own; the connections below them stay.
    super({ keepAlive: false });
    this.#target = target;
  }

  override createConnection(_options: unknown, callback: (error: Error | null, stream: Duplex) => void): undefined {
    void deliver(this.#openChannel(), callback);
    return undefined;
  }

  override destroy(): void {
    super.destroy();
    for (const { ready } of this.#connections) ready.then((client) => client.end()).catch(() => undefined);
    this.#connections.clear();
  }

  async #openChannel(): Promise<Duplex> {
    const connection = this.#connectionWithRoom();
    connection.channels += 1;
    try {
      const client = await connection.ready;
      const channel = await new Promise<ClientChannel>((resolve, reject) => {
        client.exec(command, (error, opened) => (error === undefined ? resolve(opened) : reject(error)));
      });
      channel.once('close', () => (connection.channels -= 1));
      return asSocket(channel);
    } catch (error) {
      connection.channels -= 1;
      // Whatever is wrong with it, the next request gets a new one.
      this.#connections.delete(connection);
      if (connection.channels === 0) connection.ready.then((client) => client.end()).catch(() => undefined);
      throw error;
    }
  }

  #connectionWithRoom(): Connection {
    for (const connection of this.#connections) if (connection.channels < channelsPerConnection) return connection;
    const client = new ssh2.Client();
    const connection: Connection = { channels: 0, ready: connected(client, this.#target) };
    this.#connections.add(connection);
    const forget = () => this.#connections.delete(connection);
    client.once('close', forget);
    connection.ready.catch(forget);
    return connection;
  }
}

async function deliver(opening: Promise<Duplex>, callback: (error: Error | null, stream: Duplex) => void) {
  let stream: Duplex;
  try {
    stream = await opening;
  } catch (error) {
    callback(asSshError(error), undefined as never);
    return;
  }
  callback(null, stream);
}

function connected(client: Client, target: SshTarget): Promise<Client> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: target.host, port: target.port, lookup: lookupEngine });
    // A connection that breaks later breaks its channels, whose requests fail.
    client.on('error', reject);
    client.once('close', () => reject(new Error('the connection was closed')));
    client.once('ready', () => resolve(client));
    client.connect({ ...connectConfig(target), sock: socket });
  });
}

/** Exported for its test. */
export function connectConfig({ user, key, hostKey }: SshTarget): ConnectConfig {
  const known = parseHostKey(hostKey);
  return {
    username: user,
    privateKey: key,
    readyTimeout: readyMs,
    keepaliveInterval: keepaliveMs,
    // The host may have several keys: it is to show the one that is known.
    algorithms: { serverHostKey: algorithmsOf(known.type) },
    hostVerifier: (shown: Buffer) => shown.equals(known.key),
  };
}

type HostKeyAlgorithm =
  NonNullable<NonNullable<ConnectConfig['algorithms']>['serverHostKey']> extends infer T
    ? Extract<T, readonly unknown[]>[number]
    : never;

function algorithmsOf(type: string): HostKeyAlgorithm[] {
  return (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]) as HostKeyAlgorithm[];
}

/**
 * Reads a line of a known_hosts file, or of a `.pub` file: its type and the key as it goes over the wire.
 *
 * @throws in words that continue a sentence.
 */
export function parseHostKey(line: string): { readonly type: string; readonly key: Buffer } {
  const found = /(?:^|\s)(ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp\d+)\s+([A-Za-z0-9+/=]+)/.exec(line);
  const parsed = found === null ? new Error('not found') : ssh2.utils.parseKey(`${found[1]} ${found[2]}`);
  if (found === null || parsed instanceof Error || Array.isArray(parsed)) {
    throw new Error('must be the public key of the host, like "ssh-ed25519 AAAA…": `ssh-keyscan HOST` shows it');
  }
  return { type: found[1] ?? '', key: parsed.getPublicSSH() };
}

/** @throws in words that continue a sentence. */
export function checkPrivateKey(key: string): void {
  const parsed = ssh2.utils.parseKey(key);
  if (!(parsed instanceof Error)) return;
  throw new Error(
    /passphrase|encrypted/i.test(parsed.message)
      ? 'must be a private key without a passphrase: nobody is there to type it'
      : 'must be a private key as ssh-keygen writes it',
  );
}

/** Asked of sockets by the HTTP client, and meaningless here. */
const nothing = () => undefined;

/** A channel, as the HTTP client expects a socket to be. What the command complains about is why it ended. */
function asSocket(channel: ClientChannel): Duplex {
  let complaint = '';
  channel.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < complaintMax) complaint += chunk.toString('utf8');
  });
  channel.once('exit', (code: number | null) => {
    if (code === 0 || code === null) return;
    const words = complaint.trim().slice(0, complaintMax) || `it ended with ${code}`;
    channel.emit('error', asSshError(new Error(`${command}: ${words}`)));
  });
  return Object.assign(channel, {
    setKeepAlive: nothing,
    setNoDelay: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
    destroySoon: () => channel.destroy(),
  });
}

/** The words of the library that people meet, and what they mean. */
const plainWords: readonly (readonly [RegExp, string])[] = [
  [/verification failed/i, 'the host showed another key than the one that is known'],
  [/authentication methods failed/i, 'the host refused the key'],
];

/** So marked, it is told from what the engine answers (errors.ts). */
function asSshError(error: unknown): Error {
  const words = error instanceof Error ? error.message : String(error);
  const plain = plainWords.find(([pattern]) => pattern.test(words))?.[1] ?? words;
  return Object.assign(new Error(`ssh: ${plain}`), { code: 'ESSH' });
}
