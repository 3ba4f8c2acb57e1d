/** What people see and do inside of a container that runs: a part of the runtime port (runtime.ts). */
import type { Duplex, Readable } from 'node:stream';
import type { ContainerKey } from './runtime.ts';

/** What a container uses, as its engine counts it. What an engine does not know is null, never 0. */
export interface Usage {
  /** When the engine looked, milliseconds since the epoch. */
  readonly at: number;
  /** CPU time since the container's start, in milliseconds; how many cores it uses follows from two looks (core/usage.ts). */
  readonly cpuMs: number;
  /** Memory that it holds, without the caches that the kernel would give back; thousandths of a GB. */
  readonly ram: number;
  /** The GPUs that it was given, where their driver can be asked; null where it can't. */
  readonly gpus: readonly GpuUsage[] | null;
}

export interface GpuUsage {
  /** As the driver counts the devices. */
  readonly index: number;
  /** How much of the last moments it computed, 0 to 1; null where the driver does not say. */
  readonly busy: number | null;
  /** Memory in use on the device, by whomever; MiB. */
  readonly memoryMib: number | null;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ExecOptions {
  readonly command: readonly [string, ...string[]];
  /** With a terminal of this size; null: without one, and its two outputs are told apart. */
  readonly terminal: TerminalSize | null;
}

/** A command that runs in a container. Whoever started it calls `kill` in the end, whatever happened. */
export interface ExecSession {
  /** What it writes, in order; it ends when the command has ended. With a terminal all is stdout. */
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly data: Buffer }>;
  /** Resolves once more may be written. What comes after the end of the command is dropped. */
  write(data: Buffer): Promise<void>;
  /** There is no more input. */
  endInput(): void;
  resize(size: TerminalSize): Promise<void>;
  /** After the output has ended: the exit code; null where the container ended under it. */
  exitCode(): Promise<number | null>;
  /** Ends the command and what it started, if any of it still runs. Calling it again changes nothing. */
  kill(): Promise<void>;
}

export interface FileInfo {
  readonly name: string;
  /** A link is told as what it points to. */
  readonly kind: 'file' | 'directory' | 'other';
  readonly bytes: number;
  /** The permissions, as `chmod` takes them. */
  readonly mode: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

/**
 * All of these throw `unreachable`, `not_found` where there is no such container (or path), and `not_running` where there is one,
 * but it does not run.
 */
export interface SeeingIn {
  /** Null where the engine counts nothing of it. */
  stats(key: ContainerKey): Promise<Usage | null>;

  /** Starts a command beside the container's own, with the same user, limits and environment. */
  exec(key: ContainerKey, options: ExecOptions): Promise<ExecSession>;

  /** Null where there is nothing of that name. `path` is absolute. */
  statFile(key: ContainerKey, path: string): Promise<FileInfo | null>;

  /**
   * A file, or a directory with all that is in it, as a tar stream: its first entry is what was asked for, and all others are below
   * that. A link is followed to what it points to; links inside of a directory are links.
   */
  readFiles(key: ContainerKey, path: string): Promise<Readable>;

  /** Unpacks a tar stream into a directory that exists. Throws `invalid` where it can't be unpacked. */
  writeFiles(key: ContainerKey, directory: string, tar: Readable, signal: AbortSignal): Promise<void>;

  /**
   * A TCP connection to a port of the container itself, and of nobody else. Throws `refused` where nobody listens, or the container
   * has no address of its own.
   */
  dial(key: ContainerKey, port: number): Promise<Duplex>;
}
