import type { ExecOptions, ExecSession, TerminalSize } from '../seeing-in.ts';
import { type Files, normal } from './files.ts';
import { Pipe } from './pipe.ts';

type Output = { readonly stream: 'stdout' | 'stderr'; readonly data: Buffer };

interface Shell {
  readonly files: Files;
  readonly input: Pipe<Buffer>;
  readonly hasTerminal: boolean;
  size: TerminalSize | null;
  say(stream: Output['stream'], text: string | Buffer): void;
  /** Aborts when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** What a shell says of a program that was killed. */
const killed = 137;
const unknownCommand = 127;

/**
 * Runs one of a few commands: `echo`, `cat [FILE]`, `sleep SECONDS`, `exit CODE`, `stty size`, and `sh` for several of them, after `-c`
 * or line by line; `>&2` at the end of one sends what it says to stderr.
 */
export function startCommand({ command, terminal }: ExecOptions, files: Files, over: AbortSignal): ExecSession {
  const output = new Pipe<Output>();
  const input = new Pipe<Buffer>();
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, over]);
  const shell: Shell = {
    files,
    input,
    hasTerminal: terminal !== null,
    size: terminal,
    say: (stream, text) => output.push({ stream: terminal === null ? stream : 'stdout', data: Buffer.from(text) }),
    signal,
  };
  const end = () => {
    input.end();
    output.end();
  };
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const exit = run(shell, command).finally(end);
  return {
    output,
    async write(data) {
      input.push(data);
    },
    endInput: () => input.end(),
    async resize(size) {
      shell.size = size;
    },
    async exitCode() {
      const code = await exit;
      return over.aborted ? null : signal.aborted ? killed : code;
    },
    async kill() {
      stop.abort();
    },
  };
}

async function run(shell: Shell, [name = '', ...args]: readonly string[]): Promise<number> {
  switch (name) {
    case 'echo':
      return say(shell, args);
    case 'cat':
      return cat(shell, args);
    case 'sleep':
      return sleep(shell, Number(args[0]));
    case 'exit':
      return Number(args[0] ?? 0);
    case 'stty':
      return say(shell, [String(shell.size?.rows), String(shell.size?.columns)]);
    case 'sh':
      return args[0] === '-c' ? script(shell, args[1] ?? '') : interactive(shell);
    default:
      shell.say('stderr', `there is no command "${name}" in the image\r\n`);
      return unknownCommand;
  }
}

function say(shell: Shell, words: readonly string[]): number {
  const toError = words.at(-1) === '>&2';
  shell.say(
    toError ? 'stderr' : 'stdout',
    `${(toError ? words.slice(0, -1) : words).join(' ')}${shell.hasTerminal ? '\r' : ''}\n`,
  );
  return 0;
}

async function cat(shell: Shell, [path]: readonly string[]): Promise<number> {
  if (path === undefined) {
    for await (const data of shell.input) shell.say('stdout', data);
    return 0;
  }
  const content = shell.files.get(normal(path))?.content;
  if (content == null) {
    shell.say('stderr', `cat: there is no file ${path}\n`);
    return 1;
  }
  shell.say('stdout', content);
  return 0;
}

function sleep({ signal }: Shell, seconds: number): Promise<number> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(0), seconds * 1000);
    const settle = (code: number) => {
      clearTimeout(timer);
      resolve(code);
    };
    signal.addEventListener('abort', () => settle(killed), { once: true });
    if (signal.aborted) settle(killed);
  });
}

async function script(shell: Shell, text: string): Promise<number> {
  let code = 0;
  for (const line of text.split(/[;\n]/).map((one) => one.trim())) {
    if (line === '' || shell.signal.aborted) continue;
    code = await run(shell, line.split(/\s+/));
    if (line.startsWith('exit')) break;
  }
  return code;
}

async function interactive(shell: Shell): Promise<number> {
  let code = 0;
  let rest = '';
  for await (const data of shell.input) {
    const lines = (rest + data.toString('utf8')).split(/[\r\n]/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      code = await script(shell, line);
      if (line.trim().startsWith('exit')) return code;
    }
  }
  return code;
}
