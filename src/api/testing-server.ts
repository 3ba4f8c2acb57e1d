import pino from 'pino';
import type { ControlPlane } from '../control/control-plane.ts';
import { secretKeyInMemory } from '../secret-key.ts';
import { openDatabase } from '../store/database.ts';
import type { Api, ServerDeps } from './context.ts';
import { createServer } from './server.ts';

/** For tests: a server whose database does not answer, with what it logs from `level` on. */
export function serverWithoutDatabase(
  level: string,
  given: Pick<ServerDeps, 'dashboard'> = {},
): { api: Api; log: string[] } {
  const log: string[] = [];
  const api = createServer({
    db: openDatabase('postgres://nobody@127.0.0.1:1/none'),
    control: {} as ControlPlane,
    config: { registration: 'open', secureCookies: false, signInLimit: { max: 3, perSeconds: 60 } },
    secretKey: secretKeyInMemory(),
    logger: pino({ level }, { write: (line) => log.push(line) }),
    ...given,
  });
  return { api, log };
}
