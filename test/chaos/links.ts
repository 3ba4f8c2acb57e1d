/** How one process reaches the others: by ways of its own, which can be cut without anybody else noticing. */
import { dirname } from 'node:path';
import { proxyTo, type SocketProxy } from '../support/socket-proxy.ts';

export type Place = 'PostgreSQL' | 'Redis' | 'the engine';

export interface Links {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly dockerHost: string;
  /** The engine may be reached by TCP, and then directly. */
  readonly proxies: ReadonlyMap<Place, SocketProxy>;
  close(): Promise<void>;
}

export interface Ends {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly dockerHost: string;
}

const postgresSocket = '.s.PGSQL.5432';
const unix = 'unix://';

export async function link({ databaseUrl, redisUrl, dockerHost }: Ends): Promise<Links> {
  const directory = hostOf(databaseUrl);
  const postgres = await proxyTo(`${decodeURIComponent(directory)}/${postgresSocket}`, postgresSocket);
  const redis = await proxyTo(redisUrl);
  const proxies = new Map<Place, SocketProxy>([
    ['PostgreSQL', postgres],
    ['Redis', redis],
  ]);
  if (dockerHost.startsWith(unix)) proxies.set('the engine', await proxyTo(dockerHost.slice(unix.length)));
  const engine = proxies.get('the engine');
  return {
    databaseUrl: databaseUrl.replace(directory, encodeURIComponent(dirname(postgres.path))),
    redisUrl: redis.path,
    dockerHost: engine === undefined ? dockerHost : `${unix}${engine.path}`,
    proxies,
    async close() {
      for (const proxy of proxies.values()) await proxy.close();
    },
  };
}

/** Not by URL: one with the directory of a socket in it is none. */
function hostOf(databaseUrl: string): string {
  const host = /@([^/]+)\//.exec(databaseUrl)?.[1];
  if (host === undefined) throw new Error('the database is not reached by a socket');
  return host;
}
