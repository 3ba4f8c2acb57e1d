/** What people see and do inside of a container, of every adapter of the runtime port: a part of runtime.suite.ts. */
import { pipeline, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { extract, type Header, pack } from 'tar-stream';
import { describe, expect, test, vi } from 'vitest';
import type { ContainerKey, ContainerSpec, Runtime } from '../../src/runtimes/runtime.ts';
import type { ExecOptions, ExecSession } from '../../src/runtimes/seeing-in.ts';
import type { Behaviour } from './runtime.suite.ts';

interface Given {
  readonly runtime: () => Runtime;
  readonly newKey: () => ContainerKey;
  readonly ended: (runtime: Runtime, key: ContainerKey) => Promise<unknown>;
  readonly start: (behaviour: Behaviour, given?: Partial<ContainerSpec>) => Promise<{ key: ContainerKey }>;
}

type Command = ExecOptions['command'];

export interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

export async function read(session: ExecSession): Promise<Said> {
  // A piece may end in the middle of a character.
  const pieces: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  for await (const { stream, data } of session.output) pieces[stream].push(data);
  const said = { stdout: Buffer.concat(pieces.stdout).toString(), stderr: Buffer.concat(pieces.stderr).toString() };
  return { ...said, code: await session.exitCode() };
}

/** One file, or several, as a tar stream. */
export function tarOf(files: Readonly<Record<string, string | Buffer>>): Readable {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name, mode: 0o640 }, content);
  tar.finalize();
  return tar as unknown as Readable;
}

export async function untar(tar: Readable): Promise<{ header: Header; content: string }[]> {
  const entries: { header: Header; content: string }[] = [];
  const unpacking = extract();
  // What it breaks on is told by the loop.
  pipeline(tar, unpacking as unknown as NodeJS.WritableStream, () => undefined);
  for await (const entry of unpacking) {
    entries.push({ header: entry.header, content: await text(entry) });
  }
  return entries;
}

const never = new AbortController().signal;

export function seeingInConformance({ runtime, newKey, ended, start }: Given): void {
  async function exec(command: Command, terminal: ExecOptions['terminal'] = null) {
    const { key } = await start({});
    return runtime().exec(key, { command, terminal });
  }

  describe('stats', () => {
    test('CPU time that grows, and the memory that is held', async () => {
      const { key } = await start({ busy: true });
      const first = await runtime().stats(key);
      await vi.waitFor(
        async () => {
          const later = await runtime().stats(key);
          expect(later?.cpuMs).toBeGreaterThan(first?.cpuMs ?? Number.NaN);
          expect(later?.at).toBeGreaterThan(first?.at ?? Number.NaN);
        },
        { timeout: 60_000 },
      );
      // 32 thousandths of a GB is what it was given.
      expect(first?.ram).toBeGreaterThan(0);
      expect(first?.ram).toBeLessThanOrEqual(32);
      // It was given no GPU.
      expect(first?.gpus).toBeNull();
    });

    test('of an ended one and of an unknown one are refused', async () => {
      const { key } = await start({ afterMs: 0 });
      await ended(runtime(), key);
      await expect(runtime().stats(key)).rejects.toMatchObject({ name: 'RuntimeError', code: 'not_running' });
      await expect(runtime().stats(newKey())).rejects.toMatchObject({ name: 'RuntimeError', code: 'not_found' });
    });
  });

  describe('exec', () => {
    test('tells the two outputs apart, and the exit code', async () => {
      const session = await exec(['sh', '-c', 'echo one; echo two >&2; exit 3']);
      expect(await read(session)).toEqual({ stdout: 'one\n', stderr: 'two\n', code: 3 });
      await session.kill();
    });

    test('hands over input to the end, whatever bytes', async () => {
      const session = await exec(['cat']);
      const reading = read(session);
      const line = 'äöü 漢字 🙂 \u0000\u0004\r\n';
      for (let n = 0; n < 1000; n += 1) await session.write(Buffer.from(line));
      session.endInput();
      expect(await reading).toEqual({ stdout: line.repeat(1000), stderr: '', code: 0 });
    });

    test('with a terminal of a size, that may change', async () => {
      const session = await exec(['sh'], { columns: 91, rows: 23 });
      let seen = '';
      const reading = (async () => {
        for await (const { stream, data } of session.output) {
          expect(stream).toBe('stdout');
          seen += data.toString();
        }
      })();
      const shows = (words: string) => vi.waitFor(() => expect(seen).toContain(words), { timeout: 60_000 });
      await session.write(Buffer.from('stty size\n'));
      await shows('23 91\r\n');
      await session.resize({ columns: 120, rows: 40 });
      await session.write(Buffer.from('stty size\n'));
      await shows('40 120\r\n');
      await session.write(Buffer.from('exit 7\n'));
      await reading;
      expect(await session.exitCode()).toBe(7);
      // There is no terminal any more: that is no error.
      await session.resize({ columns: 1, rows: 1 });
      await session.write(Buffer.from('into the void'));
    });

    test('of a command that there is not says so, with the code of shells', async () => {
      const { stdout, stderr, code } = await read(await exec(['no-such-command']));
      expect({ stdout, stderr: stderr.trim() }).toEqual({
        stdout: '',
        stderr: 'there is no command "no-such-command" in the image',
      });
      expect([126, 127]).toContain(code);
    });

    test('is ended by kill, which may be repeated', async () => {
      const session = await exec(['sleep', '3600']);
      await Promise.all([session.kill(), session.kill()]);
      const { code } = await read(session);
      expect(code).not.toBe(0);
      await session.kill();
    });

    test('ends with its container', async () => {
      const { key } = await start({});
      const session = await runtime().exec(key, { command: ['sleep', '3600'], terminal: null });
      const reading = read(session);
      await runtime().remove(key);
      expect((await reading).code).not.toBe(0);
      await session.kill();
    });

    test('in an ended one and in an unknown one is refused', async () => {
      const { key } = await start({ afterMs: 0 });
      await ended(runtime(), key);
      const options = { command: ['true'], terminal: null } as const;
      await expect(runtime().exec(key, options)).rejects.toMatchObject({ name: 'RuntimeError', code: 'not_running' });
      await expect(runtime().exec(newKey(), options)).rejects.toMatchObject({ code: 'not_found' });
    });
  });

  describe('files', () => {
    test('go in and come out as they were, by name, bytes and mode', async () => {
      const { key } = await start({});
      const files = { 'a.txt': 'äöü 漢字\n', 'big.bin': Buffer.alloc(1_000_000, 7) };
      await runtime().writeFiles(key, '/tmp', tarOf(files), never);
      expect(await runtime().statFile(key, '/tmp/a.txt')).toMatchObject({
        name: 'a.txt',
        kind: 'file',
        bytes: Buffer.byteLength(files['a.txt']),
        mode: 0o640,
      });
      const [entry, more] = await untar(await runtime().readFiles(key, '/tmp/a.txt'));
      expect(entry).toMatchObject({ header: { name: 'a.txt', type: 'file' }, content: files['a.txt'] });
      // The engine writes the kind of file before the permissions.
      expect((entry?.header.mode ?? 0) & 0o777).toBe(0o640);
      expect(more).toBeUndefined();
      const [big] = await untar(await runtime().readFiles(key, '/tmp/big.bin'));
      expect(big?.content).toBe(files['big.bin'].toString());
    });

    test('of a directory begin with it, and are all below it', async () => {
      const { key } = await start({});
      await runtime().writeFiles(key, '/tmp', tarOf({ a: '1', b: '2' }), never);
      expect(await runtime().statFile(key, '/tmp')).toMatchObject({ name: 'tmp', kind: 'directory' });
      const entries = await untar(await runtime().readFiles(key, '/tmp'));
      expect(entries[0]?.header).toMatchObject({ name: 'tmp/', type: 'directory' });
      const names = entries.map(({ header }) => header.name);
      expect(names).toEqual(expect.arrayContaining(['tmp/a', 'tmp/b']));
      expect(names.every((name) => name.startsWith('tmp/'))).toBe(true);
    });

    test('are seen by the commands in it', async () => {
      const { key } = await start({});
      await runtime().writeFiles(key, '/tmp', tarOf({ note: 'hello' }), never);
      const session = await runtime().exec(key, { command: ['cat', '/tmp/note'], terminal: null });
      expect(await read(session)).toMatchObject({ stdout: 'hello', code: 0 });
    });

    test('that are not there, and of containers that are not there', async () => {
      const { key } = await start({});
      const missing = { name: 'RuntimeError', code: 'not_found', message: expect.stringContaining('/no/such') };
      expect(await runtime().statFile(key, '/no/such')).toBeNull();
      await expect(runtime().readFiles(key, '/no/such')).rejects.toMatchObject(missing);
      await expect(runtime().writeFiles(key, '/no/such', tarOf({ a: '1' }), never)).rejects.toMatchObject(missing);
      await expect(runtime().readFiles(newKey(), '/tmp')).rejects.toMatchObject({ code: 'not_found' });
    });

    test('that are no tar stream, or are to go into a file, are refused', async () => {
      const { key } = await start({});
      const nonsense = Readable.from([Buffer.alloc(1024, 'x')]);
      await expect(runtime().writeFiles(key, '/tmp', nonsense, never)).rejects.toMatchObject({ code: 'invalid' });
      await runtime().writeFiles(key, '/tmp', tarOf({ file: '1' }), never);
      await expect(runtime().writeFiles(key, '/tmp/file', tarOf({ a: '1' }), never)).rejects.toMatchObject({
        name: 'RuntimeError',
        code: 'invalid',
        message: '/tmp/file is not a directory of the container',
      });
    });

    test('come out of one that has ended', async () => {
      const { key } = await start({ afterMs: 0 });
      await ended(runtime(), key);
      await runtime().writeFiles(key, '/tmp', tarOf({ late: '1' }), never);
      expect(await untar(await runtime().readFiles(key, '/tmp/late'))).toMatchObject([{ content: '1' }]);
    });
  });

  describe('dial', () => {
    const port = 7007;
    const listening = () => start({ echoPort: port }, { ports: [{ container: port, host: null, protocol: 'tcp' }] });

    test('reaches a port of the container, both ways and to the end', async () => {
      const { key } = await listening();
      const connection = await vi.waitFor(() => runtime().dial(key, port), { timeout: 60_000 });
      const reading = buffer(connection);
      const sent = Buffer.alloc(200_000, 'ping');
      connection.end(sent);
      expect((await reading).equals(sent)).toBe(true);
    });

    test('where nobody listens is refused, in words', async () => {
      const { key } = await start({});
      await expect(runtime().dial(key, 9)).rejects.toMatchObject({
        name: 'RuntimeError',
        code: 'refused',
        message: 'nobody listens on port 9 of the container',
      });
    });

    test('an ended one and an unknown one are not reached', async () => {
      const { key } = await start({ afterMs: 0 });
      await ended(runtime(), key);
      await expect(runtime().dial(key, port)).rejects.toMatchObject({ name: 'RuntimeError', code: 'not_running' });
      await expect(runtime().dial(newKey(), port)).rejects.toMatchObject({ code: 'not_found' });
    });

    test('a connection ends with the container', async () => {
      const { key } = await listening();
      const connection = await vi.waitFor(() => runtime().dial(key, port), { timeout: 60_000 });
      connection.resume();
      const over = finished(connection, { writable: false }).catch(() => undefined);
      await runtime().remove(key);
      await over;
      connection.destroy();
    });
  });
}
