import pg from 'pg';

/** The oldest server whose SQL we speak. */
const oldestMajor = 15;
const connectMs = 10_000;

/**
 * The same text for the same value, whatever the server, its version and its settings: what is read at one place is compared with what
 * is read at another.
 */
const settings = `
  set client_encoding = 'UTF8'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC';
  set extra_float_digits = 1; set bytea_output = 'hex'; set xmloption = 'content'; set statement_timeout = 0;
  set lock_timeout = 0; set idle_in_transaction_session_timeout = 0`;

/** One connection for copying. Throws in words that say which server, and what to do. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    ...parse(url),
    application_name: 'hypervisor copy',
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
  });
  // A connection that breaks fails the query that waits for it.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => undefined);
    throw new Error(`${withoutPassword(url)} can't be reached: ${reasonOf(error)}`, { cause: error });
  }
  try {
    await client.query(settings);
    const { rows } = await client.query<{ number: string }>(`select current_setting('server_version_num') as number`);
    checkVersion(Number(rows[0]?.number), url);
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

function parse(url: string): pg.ClientConfig {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new Error(`"${url}" is no address of a PostgreSQL: write it postgres://USER:PASSWORD@HOST:PORT/DATABASE`);
  return { connectionString: url };
}

/** Exported for its test: no older server is at hand there. */
export function checkVersion(number: number, url: string): void {
  const major = Math.floor(number / 10_000);
  if (major >= oldestMajor) return;
  throw new Error(
    `${withoutPassword(url)} is PostgreSQL ${major}: Hypervisor needs ${oldestMajor} or newer. Upgrade that server, or name another`,
  );
}

function reasonOf(error: unknown): string {
  // Where a name has several addresses, each fails for itself.
  const one: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const { code, message } = one as { code?: string; message: string };
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return 'nothing listens there. Is the server running?';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'there is no host of that name';
  if (code === '3D000') return `${message}. Create it first, and leave it empty`;
  if (code === '28P01' || code === '28000') return `${message}. Is the user and its password right?`;
  return message;
}

/** How to call a place in what people see. */
export function withoutPassword(url: string): string {
  return url.replace(/^(postgres(?:ql)?:\/\/[^:/@]*):[^@]*@/, '$1@').replace(/\?.*$/, '');
}
