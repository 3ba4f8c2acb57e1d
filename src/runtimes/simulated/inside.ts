/** What people see and do inside of a simulated container: a few commands, files in memory, and ports that send back what they get. */
import { type Duplex, PassThrough, type Readable } from 'node:stream';
import { type ContainerSpec, type ContainerState, RuntimeError } from '../runtime.ts';
import type { ExecOptions, ExecSession, FileInfo, Usage } from '../seeing-in.ts';
import { type Files, newFiles, packFiles, statFile, unpackFiles } from './files.ts';
import { startCommand } from './shell.ts';

/** One container from the inside. */
export class Inside {
  readonly #spec: ContainerSpec;
  #kept: Files | null = null;
  readonly #over = new AbortController();

  constructor(spec: ContainerSpec) {
    this.#spec = spec;
  }

  /** Most containers are never looked into. */
  get #files(): Files {
    return (this.#kept ??= newFiles());
  }

  /** The container has ended, or is gone: so has everything in it. */
  end(): void {
    this.#over.abort();
  }

  usage({ startedAt }: ContainerState, now: number): Usage | null {
    const { SIM_CPU: cpu, SIM_RAM: ram } = this.#spec.env;
    if (cpu === undefined && ram === undefined) return null;
    return {
      at: now,
      cpuMs: Math.round(Number(cpu ?? 0) * (now - (startedAt ?? now))),
      ram: Math.round(Number(ram ?? 0) * 1000),
      gpus: null,
    };
  }

  exec(options: ExecOptions): ExecSession {
    return startCommand(options, this.#files, this.#over.signal);
  }

  statFile(path: string): FileInfo | null {
    return statFile(this.#files, path);
  }

  readFiles(path: string): Readable {
    return packFiles(this.#files, path);
  }

  writeFiles(directory: string, tar: Readable): Promise<void> {
    return unpackFiles(this.#files, directory, tar);
  }

  dial(port: number): Duplex {
    if (!this.#spec.ports.some(({ container, protocol }) => container === port && protocol === 'tcp')) {
      throw new RuntimeError('refused', `nobody listens on port ${port} of the container`);
    }
    const echo = new PassThrough();
    const destroy = () => echo.destroy();
    this.#over.signal.addEventListener('abort', destroy, { once: true });
    echo.once('close', () => this.#over.signal.removeEventListener('abort', destroy));
    return echo;
  }
}
