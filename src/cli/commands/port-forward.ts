import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { drained } from '../../drained.ts';
import type { Deployment } from '../../sdk/index.ts';
import { type AddCommand, options, wholeNumber } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findDeployment } from '../find.ts';
import { say } from '../output.ts';
import { type Globals, openSession, type Session } from '../session.ts';
import type { Talk } from '../socket.ts';

const host = '127.0.0.1';

interface ForwardOptions {
  readonly replica: number;
}

export const addPortForward: AddCommand = (program) => {
  program
    .command('port-forward')
    .description('reach ports of a container from this machine: hv port-forward NAME 8080:80')
    .argument('<deployment>')
    .argument('<port...>', 'HERE:OF_THE_CONTAINER, or one number for both; 0 HERE: a free one')
    .option('--replica <index>', 'of this replica', wholeNumber, 0)
    .action(async (name: string, ports: string[], _options, command) => {
      const given = options<ForwardOptions>(command);
      const pairs = ports.map(parsePair);
      const session = await openSession(given);
      const deployment = await findDeployment(session, name);
      await Promise.all(pairs.map((pair) => forward(session, deployment, pair, given)));
    });
};

interface Pair {
  readonly here: number;
  readonly there: number;
}

function parsePair(text: string): Pair {
  const found = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text);
  const here = Number(found?.[1]);
  const there = Number(found?.[2] ?? found?.[1]);
  if (found !== null && here <= 65_535 && there >= 1 && there <= 65_535) return { here, there };
  throw new CliError(`"${text}" is no port: write it like 8080, or 8080:80`, exitCodes.usage);
}

/** Listens until Ctrl-C. */
async function forward(
  session: Session,
  deployment: Deployment,
  { here, there }: Pair,
  given: ForwardOptions & Globals,
): Promise<void> {
  const path = `/deployments/${deployment.id}/port-forward?port=${there}&replica=${given.replica}`;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    carry(session, path, socket).catch((error: unknown) => {
      console.error(`port ${there}: ${error instanceof Error ? error.message : String(error)}`);
      socket.destroy();
    });
  });
  const port = await listen(server, here);
  say(given, `${host}:${port} is port ${there} of ${deployment.name}.${given.replica} (Ctrl-C ends it)`);
  await once(server, 'close');
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use already' : `can't be used (${error.code ?? error.message})`;
      reject(new CliError(`${host}:${port} ${why}`, exitCodes.conflict, ['Name another one, or 0 for a free one']));
    });
    server.listen(port, host, () => resolve((server.address() as { port: number }).port));
  });
}

/** Each connection is one of its own, also to the container. */
async function carry(session: Session, path: string, socket: Socket): Promise<void> {
  const { openTalk } = await import('../socket.ts');
  const talk = await openTalk(session, path);
  socket.once('close', () => talk.close());
  if (socket.destroyed) talk.close();
  const sending = send(talk, socket);
  sending.catch(() => socket.destroy());
  for await (const one of talk.received) {
    if (!Buffer.isBuffer(one)) socket.end();
    else if (!socket.write(one)) await drained(socket);
  }
  socket.destroySoon();
}

async function send(talk: Talk, socket: Socket): Promise<void> {
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) await talk.send(chunk as Buffer);
  await talk.tell({ type: 'end' });
}
