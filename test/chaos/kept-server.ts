/** A server (PostgreSQL, Redis) that is started again whenever it is gone, as whoever runs one would see to it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../../src/platform/process.ts';

interface Server {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const lookMs = 100;
const againMs = 500;

export class KeptServer {
  readonly #start: () => Promise<Server>;
  readonly #note: (message: string) => void;
  #server: Server;
  /** So many keep it down at the moment. */
  #heldBy = 0;
  #isEnding = false;
  #keeping: Promise<void>;

  private constructor(server: Server, start: () => Promise<Server>, note: (message: string) => void) {
    this.#server = server;
    this.#start = start;
    this.#note = note;
    this.#keeping = this.#keep();
  }

  /** `note` is told why it did not come up, if it does not. */
  static async start(start: () => Promise<Server>, note: (message: string) => void): Promise<KeptServer> {
    return new KeptServer(await start(), start, note);
  }

  /** The same after each start. */
  get url(): string {
    return this.#server.url;
  }

  /** `kill -9`; `meanwhile` happens while it is down, and it stays down for at least so long. */
  async kill(downMs: number, meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    this.#heldBy += 1;
    try {
      const { pid } = this.#server;
      if (isRunning(pid)) process.kill(pid, 'SIGKILL');
      while (isRunning(pid)) await sleep(10);
      await meanwhile();
      await sleep(downMs);
    } finally {
      this.#heldBy -= 1;
    }
  }

  async stop(): Promise<void> {
    this.#isEnding = true;
    await this.#keeping;
    await this.#server.stop();
  }

  async #keep(): Promise<void> {
    while (!this.#isEnding) {
      await sleep(lookMs);
      if (this.#heldBy > 0 || this.#isEnding || isRunning(this.#server.pid)) continue;
      try {
        // Lets go of what the handle of the dead one still has.
        await this.#server.stop();
        this.#server = await this.#start();
      } catch (error) {
        this.#note(String(error));
        await sleep(againMs);
      }
    }
  }
}
