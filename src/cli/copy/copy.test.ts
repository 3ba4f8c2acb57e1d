import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import fc from 'fast-check';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tarOf } from './tar-of.ts';
import { partsOf, untar } from './untar.ts';

type NewHeader = Partial<Header> & Pick<Header, 'name'>;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hypervisor-copy-'));
  await mkdir(join(dir, 'into'));
  await writeFile(join(dir, 'secret'), 'mine');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const target = () => join(dir, 'into', 'top');

function tar(...entries: (NewHeader & { content?: string })[]): Readable {
  const made = pack();
  for (const { content, ...header } of entries) made.entry(header, content ?? '');
  made.finalize();
  return made as unknown as Readable;
}

async function unpack(...entries: Parameters<typeof tar>): Promise<string[]> {
  const told: string[] = [];
  await untar(tar(...entries), target(), (message) => told.push(message));
  return told;
}

const top: NewHeader = { name: 'top/', type: 'directory' };
const file = (name: string, content = 'theirs') => ({ name, content });

describe('what leads out is refused, and nothing outside is written', () => {
  test.each<[string, Parameters<typeof tar>]>([
    ['a name that leads up', [file('../evil')]],
    ['one that leads up from below', [top, file('top/a/../../evil')]],
    ['a name from the root', [file('/evil')]],
    ['one beside the first', [top, file('evil')]],
    ['through a link that it brought', [top, { name: 'top/out', type: 'symlink', linkname: 'in' }, file('top/out/x')]],
    ['another name of a file outside', [top, { name: 'top/x', type: 'link', linkname: '../secret' }]],
    ['another name of what did not come', [top, { name: 'top/x', type: 'link', linkname: 'top/none' }]],
  ])('%s', async (_, entries) => {
    await expect(unpack(...entries)).rejects.toThrow(/is not unpacked/);
    expect((await readdir(dir)).toSorted()).toEqual(['into', 'secret']);
    expect(await readFile(join(dir, 'secret'), 'utf8')).toBe('mine');
  });

  test.each(['/etc/passwd', '../../secret', 'a/../../../secret', '..', ''])(
    'a link to "%s" is left out',
    async (linkname) => {
      const told = await unpack(top, { name: 'top/link', type: 'symlink', linkname }, file('top/after'));
      expect(told).toEqual([`left out top/link: it is a link to ${linkname}, outside of what is copied`]);
      expect(await readdir(target())).toEqual(['after']);
    },
  );

  test('a link that is there already is not written through', async () => {
    await mkdir(target());
    await symlink(join(dir, 'secret'), join(target(), 'x'));
    await symlink(dir, join(target(), 'out'));
    await unpack(top, file('top/x'));
    expect(await readFile(join(dir, 'secret'), 'utf8')).toBe('mine');
    expect(await readFile(join(target(), 'x'), 'utf8')).toBe('theirs');
    await expect(unpack(top, file('top/out/secret'))).rejects.toThrow(/is no directory/);
    expect(await readFile(join(dir, 'secret'), 'utf8')).toBe('mine');
  });

  test('rights of others are not taken over, devices are left out', async () => {
    const told = await unpack(top, { ...file('top/tool'), mode: 0o4755 }, { name: 'top/disk', type: 'block-device' });
    expect((await stat(join(target(), 'tool'))).mode & 0o7777).toBe(0o755);
    expect(told).toEqual(['left out top/disk: it is no file, but a block-device']);
  });

  test('whatever its name: it is refused, or leads nowhere above', () => {
    const part = fc.constantFrom('..', '.', '', 'a', 'b c', '...', 'ä');
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        const name = parts.join('/');
        const isBad = name.startsWith('/') || parts.includes('..');
        if (isBad) expect(() => partsOf(name)).toThrow(/is not unpacked/);
        else expect(partsOf(name)).toEqual(parts.filter((one) => one !== '' && one !== '.'));
      }),
    );
  });
});

test('a directory goes through a tar stream as it was, links inside and modes too', async () => {
  const from = join(dir, 'from');
  await mkdir(join(from, 'deep', 'er'), { recursive: true });
  await writeFile(join(from, 'empty'), '');
  await writeFile(join(from, 'run.sh'), 'echo äöü\n', { mode: 0o750 });
  await writeFile(join(from, 'deep', 'big'), Buffer.alloc(300_000, 7));
  await symlink('../run.sh', join(from, 'deep', 'link'));
  await untar(await tarOf(from, 'other', () => undefined), target(), () => undefined);
  expect((await readdir(target(), { recursive: true })).toSorted()).toEqual(
    ['deep', 'deep/big', 'deep/er', 'deep/link', 'empty', 'run.sh'].toSorted(),
  );
  expect(await readFile(join(target(), 'run.sh'), 'utf8')).toBe('echo äöü\n');
  expect((await stat(join(target(), 'run.sh'))).mode & 0o777).toBe(0o750);
  expect((await readFile(join(target(), 'deep', 'big'))).equals(Buffer.alloc(300_000, 7))).toBe(true);
  expect(await readlink(join(target(), 'deep', 'link'))).toBe('../run.sh');
  expect((await lstat(join(target(), 'empty'))).size).toBe(0);
});

test('one file gets the name of the target, and what is named may be a link', async () => {
  await symlink(join(dir, 'secret'), join(dir, 'alias'));
  await untar(await tarOf(join(dir, 'alias'), null, () => undefined), target(), () => undefined);
  expect(await readFile(target(), 'utf8')).toBe('mine');
});

test('what is not there is told before anything is sent', async () => {
  await expect(tarOf(join(dir, 'none'), null, () => undefined)).rejects.toThrow(/none can't be read \(ENOENT\)/);
});
