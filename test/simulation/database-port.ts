import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import type { Database } from '../../src/store/database.ts';
import type { Tables } from '../../src/store/tables.ts';
import type { DatabaseServer } from './database-server.ts';
import type { SimulatedProcess } from './process.ts';
import type { Answer, Session } from './session.ts';

/** What may be wrong with the product, if it is planted: a statement is another one on its way. */
export type Rewrite = (text: string) => string;

const lost = () => new Error('the connection to the database was lost');

/** One connection of a process. Once something of it was lost, it is of no use any more, and its transaction is undone. */
class Connection {
  readonly #server: DatabaseServer;
  readonly #process: SimulatedProcess;
  readonly #port: DatabasePort;
  #session: Session | null = null;
  #isBroken = false;
  #isBeginning: string | null = null;
  #hasWritten = false;
  #hasPassed = false;

  constructor(server: DatabaseServer, process: SimulatedProcess, port: DatabasePort) {
    this.#server = server;
    this.#process = process;
    this.#port = port;
  }

  async query(text: string, values: readonly unknown[]): Promise<Answer> {
    if (this.#isBroken) throw lost();
    // Nobody waits for the answer to a `begin`: it is sent with what follows.
    if (/^(begin|start transaction)/.test(text)) {
      this.#isBeginning = text;
      return { command: 'SELECT', rowCount: 0, rows: [] };
    }
    try {
      const effect = () => this.#run(text, values);
      return await this.#process.request({ to: 'database', name: nameOf(text), effect, lost });
    } catch (error) {
      if (error instanceof Error && error.message === lost().message) await this.drop();
      throw error;
    }
  }

  async #run(text: string, values: readonly unknown[]): Promise<Answer> {
    const session = (this.#session ??= await this.#server.session());
    if (this.#isBeginning !== null) {
      session.begin(this.#isBeginning);
      this.#isBeginning = null;
    }
    const answer = await session.run(this.#port.rewrite(text), values);
    if (isWriting(text) && answer.rowCount > 0) this.#hasWritten = true;
    if (isPass(text)) this.#hasPassed = true;
    if (!session.isInTransaction) this.#ended(text === 'rollback');
    return answer;
  }

  #ended(isUndone: boolean): void {
    if (this.#hasWritten) this.#port.onWritten();
    if (this.#hasPassed && !isUndone) this.#port.onPassed();
    this.#hasWritten = false;
    this.#hasPassed = false;
  }

  release(): void {
    if (this.#session !== null) this.#session.isFree = true;
    this.#session = null;
    this.#port.connections.delete(this);
  }

  /** As the server finds it when the other end is gone. */
  async drop(): Promise<void> {
    this.#isBroken = true;
    const session = this.#session;
    this.#session = null;
    this.#port.connections.delete(this);
    if (session !== null) await this.#server.abandon(session);
  }
}

/** How a pass begins that is made under a lease. */
const isPass = (text: string) => text.includes('for key share of l');
const isWriting = (text: string) => /\b(insert|update|delete)\b/.test(text);

/** Enough of it to be told apart in a history. */
function nameOf(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 60);
}

interface DatabasePort {
  readonly connections: Set<Connection>;
  readonly rewrite: Rewrite;
  readonly onWritten: () => void;
  readonly onPassed: () => void;
}

/** The database as one process reaches it. `onWritten` is called when something was committed, `onPassed` when that was a pass. */
export function databasePort(
  server: DatabaseServer,
  process: SimulatedProcess,
  told: Pick<DatabasePort, 'rewrite' | 'onWritten' | 'onPassed'>,
): Database {
  const port: DatabasePort = { connections: new Set(), ...told };
  const dropAll = () => {
    for (const connection of port.connections) void connection.drop();
  };
  process.onEnd(dropAll);
  process.onCutOff((party) => {
    if (party === 'database') dropAll();
  });
  const pool = {
    async connect() {
      const connection = new Connection(server, process, port);
      port.connections.add(connection);
      // Kysely asks for texts with values here, and for cursors nobody asks.
      return connection as unknown as PostgresPoolClient;
    },
    end: async () => undefined,
  };
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}
