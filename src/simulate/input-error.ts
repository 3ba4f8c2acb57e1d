/** A file that was handed in is wrong. Says what and where in plain words; never shown with a stack trace. */
export class InputError extends Error {
  /** One sentence for each thing that is wrong. */
  readonly details: readonly string[];

  constructor(message: string, details: readonly string[] = []) {
    super(message);
    this.details = details;
  }
}

/** A file that is not there, or can't be read at all. */
export class UnreadableFile extends InputError {}

/** More than so many wrong lines are not listed: the first ones tell what is wrong with the file. */
const mostErrors = 10;

/** Collects what is wrong with the lines of one file, so that a person can mend all of it at once. */
export class LineErrors {
  readonly #file: string;
  readonly #found: string[] = [];
  #count = 0;

  constructor(file: string) {
    this.#file = file;
  }

  add(line: number, problem: string): void {
    this.#count++;
    if (this.#count <= mostErrors) this.#found.push(`${this.#file}, line ${line}: ${problem}`);
  }

  /** Throws if anything was wrong. */
  throwIfAny(): void {
    if (this.#count === 0) return;
    const more = this.#count - this.#found.length;
    throw new InputError(`${this.#file} can't be read as a trace`, [
      ...this.#found,
      ...(more > 0 ? [`… and ${more} more`] : []),
    ]);
  }
}

/** What the system said about a file, in words. */
export function unreadable(path: string, error: unknown): UnreadableFile {
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a folder',
    EACCES: 'not allowed to read it',
    Z_DATA_ERROR: 'it is not valid gzip',
    Z_BUF_ERROR: 'it is cut off',
  };
  return new UnreadableFile(`could not read ${path}: ${known[code ?? ''] ?? message}`);
}
