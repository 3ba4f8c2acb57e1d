/** An SSH server of a test's own that knows one key and one command: it speaks the protocol, and leads to an engine's socket. */
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import ssh2 from 'ssh2';
import { sshKeyPair } from './ssh-keys.ts';

export interface SshServer {
  readonly port: number;
  /** As a known_hosts file has it. */
  readonly hostKey: string;
  /** What is let in, in the form of OpenSSH. */
  readonly clientKey: string;
  /** So many connections were made. */
  connections(): number;
  /** So many times, over all of them, it was led to the engine. */
  channels(): number;
  close(): Promise<void>;
}

export async function startSshServer(socketPath: string): Promise<SshServer> {
  const host = sshKeyPair();
  const client = sshKeyPair();
  const allowed = ssh2.utils.parseKey(client.public);
  if (allowed instanceof Error) throw allowed;
  let connections = 0;
  let channels = 0;
  const open = new Set<ssh2.Connection>();
  const server = new ssh2.Server({ hostKeys: [host.private] }, (connection) => {
    open.add(connection);
    connection.on('error', () => undefined);
    connection.once('close', () => open.delete(connection));
    connection.on('authentication', (context) => {
      if (context.method !== 'publickey' || !context.key.data.equals(allowed.getPublicSSH())) {
        context.reject(['publickey']);
      } else if (context.signature === undefined || context.blob === undefined) {
        context.accept();
      } else if (allowed.verify(context.blob, context.signature, context.hashAlgo)) {
        context.accept();
      } else {
        context.reject();
      }
    });
    connection.once('ready', () => {
      connections += 1;
      connection.on('session', (accept) =>
        accept().on('exec', (take, refuse, { command }) => serve(take, refuse, command)),
      );
    });
  });

  function serve(take: () => ssh2.ServerChannel, refuse: () => void, command: string): void {
    if (command !== 'docker system dial-stdio') {
      refuse();
      return;
    }
    channels += 1;
    const channel = take();
    const socket = connect(socketPath);
    socket.on('error', (error) => {
      channel.stderr.write(String(error));
      channel.exit(1);
      channel.end();
    });
    channel.pipe(socket).pipe(channel);
    channel.once('close', () => socket.destroy());
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: host.public,
    clientKey: client.private,
    connections: () => connections,
    channels: () => channels,
    async close() {
      for (const connection of open) connection.end();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
