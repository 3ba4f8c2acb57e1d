import type pg from 'pg';
import { PreparingClient } from '../../src/store/prepared.ts';

export interface Answer {
  readonly command: 'UPDATE' | 'DELETE' | 'INSERT' | 'SELECT' | 'MERGE';
  readonly rowCount: number;
  readonly rows: Record<string, unknown>[];
}

/** One session of the real server, with the connection that the product uses. */
export class Session {
  readonly #client: PreparingClient;
  readonly #time: () => number;
  #toldTime = 0;
  /** The server's process. */
  pid = 0;
  isFree = true;
  isInTransaction = false;
  /** The one under way. */
  statement: Promise<unknown> | null = null;
  /** For a lock that another session holds. */
  isWaiting = false;
  /** How many statements have answered. */
  answered = 0;

  private constructor(client: PreparingClient, time: () => number) {
    this.#client = client;
    this.#time = time;
  }

  static async open(connectionString: string, time: () => number): Promise<Session> {
    const client = new PreparingClient({ connectionString, pipeline: true });
    await client.connect();
    const session = new Session(client, time);
    session.pid = Number((await session.#send('select pg_backend_pid() as pid', [])).rows[0]?.['pid']);
    return session;
  }

  /** Sent with what follows; there is nothing to wait for. A transaction keeps the time at which it began. */
  begin(text: string): void {
    this.isInTransaction = true;
    this.#toldTime = this.#time();
    this.#isCorked(true);
    void this.#client.query(`${timeIs(this.#toldTime)};${text}`);
  }

  async run(text: string, values: readonly unknown[]): Promise<Answer> {
    this.#isCorked(true);
    if (!this.isInTransaction) this.#tellTime();
    const sent = this.#send(text, values);
    this.#isCorked(false);
    this.statement = sent.catch(() => undefined);
    try {
      return await sent;
    } finally {
      this.statement = null;
      this.isWaiting = false;
      this.answered += 1;
      if (/^(commit|rollback)$/.test(text)) this.isInTransaction = false;
      if (text === 'rollback') this.#toldTime = 0;
    }
  }

  /** Sent right before what follows, and not waited for. */
  #tellTime(): void {
    const now = this.#time();
    if (now === this.#toldTime) return;
    this.#toldTime = now;
    void this.#client.query(timeIs(now));
  }

  /** What is sent together is one message to the server. */
  #isCorked(corked: boolean): void {
    const { stream } = this.#client.connection;
    if (corked) stream.cork();
    else while (stream.writableCorked > 0) stream.uncork();
  }

  async #send(text: string, values: readonly unknown[]): Promise<Answer> {
    // Its overloads are those of a connection that may hand on anything.
    const answer = (await (this.#client as pg.Client).query(text, [...values])) as pg.QueryResult;
    return { command: answer.command as Answer['command'], rowCount: answer.rowCount ?? 0, rows: answer.rows };
  }

  async rollback(): Promise<void> {
    if (this.isInTransaction) await this.#send('rollback', []);
    this.isInTransaction = false;
    this.#toldTime = 0;
  }

  async end(): Promise<void> {
    await this.#client.end();
  }
}

const timeIs = (now: number) => `set simulated.now = '${now / 1000}'`;
