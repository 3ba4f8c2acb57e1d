/** The real server on a database of its own, asked the way a client asks. */
import { randomBytes } from 'node:crypto';
import pino from 'pino';
import type { Api, ServerConfig } from '../../src/api/context.ts';
import { createServer } from '../../src/api/server.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { type SecretKey, secretKeyInMemory } from '../../src/secret-key.ts';
import { type Database, openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createTestDatabase } from './database.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | number | undefined>;
  readonly body: Json;
}

/** What came over the wire has no type: the tests look into it, and fail where it is something else. */
export type Json = ReturnType<JSON['parse']>;

export interface TestUser {
  readonly id: string;
  readonly username: string;
  readonly password: string;
  readonly token: string;
}

export interface TestApi {
  readonly api: Api;
  readonly db: Database;
  readonly databaseUrl: string;
  readonly secretKey: SecretKey;
  /** `as`: whose token goes along; none: nobody is signed in. */
  ask(method: Method, path: string, options?: AskOptions): Promise<Answer>;
  /** A new account. */
  user(name?: string): Promise<TestUser>;
  /** A new organization with its owner. */
  organization(): Promise<{ id: string; owner: TestUser }>;
  /** A new account that joined with this role. */
  member(organization: { id: string; owner: TestUser }, role: string): Promise<TestUser>;
  close(): Promise<void>;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'HEAD';

interface AskOptions {
  readonly as?: { readonly token: string } | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export const testPassword = 'tidal-otter-brass-42';

/** A control plane that does nothing: for what is not about scheduling. */
const idleControl = {
  wake: () => undefined,
  stopSoon: () => undefined,
  settle: () => undefined,
  deliverSoon: () => undefined,
  onEvents: () => () => undefined,
} as unknown as ControlPlane;

export async function startTestApi(
  options: { config?: Partial<ServerConfig>; control?: ControlPlane } = {},
): Promise<TestApi> {
  const database = await createTestDatabase();
  const db = openDatabase(database.url);
  await migrate(db);
  const secretKey = secretKeyInMemory();
  const api = createServer({
    db,
    control: options.control ?? idleControl,
    config: {
      registration: 'open',
      secureCookies: false,
      signInLimit: { max: 10_000, perSeconds: 60 },
      ...options.config,
    },
    secretKey,
    logger: pino({ level: process.env['TEST_LOG'] ?? 'fatal' }),
  });
  await api.ready();

  async function ask(method: Method, path: string, { as, body, headers }: AskOptions = {}): Promise<Answer> {
    const response = await api.inject({
      method,
      url: `/api/v1${path}`,
      headers: { ...(as !== undefined && { authorization: `Bearer ${as.token}` }), ...headers },
      ...(body !== undefined && { payload: body as object }),
    });
    const isJson = String(response.headers['content-type']).includes('json');
    const answer = isJson ? response.json() : { text: response.body };
    return { status: response.statusCode, headers: response.headers, body: answer };
  }

  async function user(name = `user-${randomBytes(6).toString('hex')}`): Promise<TestUser> {
    const { body } = await expectStatus(
      ask('POST', '/auth/register', {
        body: { username: name, email: `${name}@example.com`, password: testPassword },
      }),
      201,
    );
    return { id: body['user']['id'], username: name, password: testPassword, token: body['token'] };
  }

  async function organization() {
    const owner = await user();
    const { body } = await expectStatus(
      ask('POST', '/organizations', { as: owner, body: { name: `Org ${owner.username}` } }),
      201,
    );
    return { id: body['id'], owner };
  }

  async function member(of: { id: string; owner: TestUser }, role: string): Promise<TestUser> {
    const invited = await user();
    const invite = await expectStatus(
      ask('POST', `/organizations/${of.id}/invites`, { as: of.owner, body: { role } }),
      201,
    );
    await expectStatus(ask('POST', `/invites/${invite.body['code']}/accept`, { as: invited }), 201);
    return invited;
  }

  async function close(): Promise<void> {
    await api.close();
    await db.destroy();
    await database.drop();
  }

  return { api, db, databaseUrl: database.url, secretKey, ask, user, organization, member, close };
}

/** The answer, if it has this status; else what it was instead. */
export async function expectStatus(asked: Promise<Answer>, status: number): Promise<Answer> {
  const answer = await asked;
  if (answer.status !== status) {
    throw new Error(`expected ${status}, was ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer;
}
