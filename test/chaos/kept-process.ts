/** A process of the product that is started again whenever it has ended, as a service manager does. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../src/config.ts';
import type { ProcessRole } from '../../src/process-roles.ts';
import { type ServiceChild, spawnChild, untilReady } from '../support/service-child.ts';

const againMs = 200;

interface Options {
  /** As people call it: `worker 2`. */
  readonly name: string;
  readonly role: ProcessRole;
  readonly config: Partial<Config>;
  /** A file descriptor that gets what it logs. */
  readonly log: number;
  /** Told when it ends though nobody told it to, once it was ready; or not well, though it was told to in good order. */
  readonly onEnded: (message: string) => void;
}

export class KeptProcess {
  readonly name: string;
  readonly role: ProcessRole;
  readonly #options: Options;
  #config: Partial<Config>;
  #child: ServiceChild | null = null;
  #url: string | null = null;
  #isReady = false;
  #isMeantToEnd = false;
  #isEnding = false;
  #downMs = 0;
  /** So often it came up. */
  starts = 0;
  readonly #running: Promise<void>;

  constructor(options: Options) {
    this.name = options.name;
    this.role = options.role;
    this.#options = options;
    this.#config = { ...options.config, role: options.role };
    this.#running = this.#run();
  }

  /** The same for as long as it is kept; null before it was ready for the first time. */
  get url(): string | null {
    return this.#url;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  async untilReady(): Promise<void> {
    while (!this.#isReady) await sleep(20);
  }

  /** `kill -9`, wherever it has got to. It is started again after so long. */
  async kill(downMs: number): Promise<void> {
    this.#downMs = downMs;
    await this.#end('SIGKILL');
  }

  /** It stands still for so long, and goes on as if nothing had happened. */
  async hang(ms: number): Promise<void> {
    this.#child?.kill('SIGSTOP');
    await sleep(ms);
    this.#child?.kill('SIGCONT');
  }

  /** As an update of the program does it. */
  async restart(): Promise<void> {
    const child = this.#child;
    await this.#end('SIGTERM');
    if (child !== null && child.exitCode !== 0) {
      const how = child.exitCode ?? child.signalCode;
      this.#options.onEnded(`${this.name} was told to end, and ended with ${how}`);
    }
    await this.untilReady();
  }

  /** For good. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await this.#end('SIGTERM');
    await this.#running;
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#isMeantToEnd = true;
    this.#isReady = false;
    const ended = hasEnded(child);
    child.kill(signal);
    await ended;
  }

  async #run(): Promise<void> {
    while (!this.#isEnding) {
      this.#isMeantToEnd = false;
      const child = spawnChild(this.#config, this.#options.log);
      this.#child = child;
      const ended = hasEnded(child);
      const url = await untilReady(child).catch(() => null);
      if (url !== null) this.#isUp(child, url);
      await ended;
      this.#child = null;
      this.#isReady = false;
      if (url !== null && !this.#isMeantToEnd)
        this.#options.onEnded(`${this.name} ended by itself with ${child.exitCode ?? child.signalCode}`);
      if (!this.#isEnding) await sleep(againMs + this.#downMs);
      this.#downMs = 0;
    }
  }

  #isUp(child: ServiceChild, url: string): void {
    this.starts += 1;
    this.#url = url;
    this.#isReady = child.exitCode === null && child.signalCode === null && !this.#isMeantToEnd;
    // Clients keep its address, as they would.
    this.#config = { ...this.#config, port: Number(new URL(url).port) };
  }
}

async function hasEnded(child: ServiceChild): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
