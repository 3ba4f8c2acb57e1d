import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order, Report } from './orders.ts';

const entry = fileURLToPath(new URL('worker.ts', import.meta.url));

/** Processes that run histories, one for each core: a history keeps one busy. */
export class Crew {
  readonly #workers: ChildProcess[];
  /** CPU time that each has used, in milliseconds. */
  readonly #usedMs = new Map<ChildProcess, number>();

  constructor(size: number) {
    this.#workers = Array.from({ length: size }, () => fork(entry, { execArgv: ['--import', 'tsx'] }));
  }

  /** Of Node, not of the databases. */
  get usedMs(): number {
    return [...this.#usedMs.values()].reduce((sum, ms) => sum + ms, 0);
  }

  /** Gives orders to whoever is ready, until there are none. What they report is handed on; `null` from `next` ends it. */
  async work(next: () => Order | null, onReport: (report: Report) => void): Promise<void> {
    await Promise.all(this.#workers.map((worker) => this.#workWith(worker, next, onReport)));
  }

  #workWith(worker: ChildProcess, next: () => Order | null, onReport: (report: Report) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveNext = () => {
        const order = next();
        if (order !== null) worker.send(order);
        else done(resolve);
      };
      const heard = (report: Report) => {
        if (report.kind === 'done') this.#usedMs.set(worker, report.usedMs);
        onReport(report);
        if (report.kind !== 'outcome') giveNext();
      };
      const gone = () => done(() => reject(new Error('a process that runs histories has ended')));
      const done = (then: () => void) => {
        worker.off('message', heard);
        worker.off('exit', gone);
        then();
      };
      worker.on('message', heard);
      worker.on('exit', gone);
      // One that is new says so itself.
      if (this.#usedMs.has(worker)) giveNext();
    });
  }

  async end(): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        if (worker.exitCode !== null) return;
        const exited = once(worker, 'exit');
        if (worker.connected) worker.disconnect();
        await exited;
      }),
    );
  }
}
