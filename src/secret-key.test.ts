import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSecretKey } from './secret-key.ts';
import { decrypt, encrypt } from './store/secrets/crypto.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hypervisor-key-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const fileOf = (name: string) => readFile(join(dir, name), 'utf8');

describe('the secret key', () => {
  test('is made once, and only its owner can read it', async () => {
    const keys = await Promise.all([openSecretKey(dir), openSecretKey(dir), openSecretKey(dir)]);
    expect(new Set(keys.map(({ current }) => current.toString('hex'))).size).toBe(1);
    expect((await stat(join(dir, 'secret.key'))).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(['secret.key']);
  });

  test('that is none is refused, and not replaced', async () => {
    await writeFile(join(dir, 'secret.key'), 'short\n');
    await expect(openSecretKey(dir)).rejects.toThrow('does not hold a key of 32 bytes');
    expect(await fileOf('secret.key')).toBe('short\n');
  });

  test('is changed: the new one is in the file, the one before is still read, also after a restart', async () => {
    const key = await openSecretKey(dir);
    const before = await fileOf('secret.key');
    const sealed = encrypt('sesame', 'a', key);
    const after = await key.change(async () => encrypt('sesame', 'a', key));
    expect(await fileOf('secret.key')).not.toBe(before);
    expect(await fileOf('secret.key.previous')).toBe(before);
    expect(await readdir(dir)).toEqual(['secret.key', 'secret.key.previous']);
    const again = await openSecretKey(dir);
    expect(again.isChanging).toBe(false);
    expect(again.current.equals(key.current)).toBe(true);
    expect([sealed, after].map((one) => decrypt(one, 'a', again))).toEqual(['sesame', 'sesame']);
  });

  test('whose change is cut off reads with both, and goes on with the same next one', async () => {
    const key = await openSecretKey(dir);
    const old = encrypt('old', 'a', key);
    let written: Buffer = Buffer.alloc(0);
    const cutOff = key.change(async () => {
      written = encrypt('new', 'a', key);
      throw new Error('killed');
    });
    await expect(cutOff).rejects.toThrow('killed');
    const next = await fileOf('secret.key.next');

    const restarted = await openSecretKey(dir);
    expect(restarted.isChanging).toBe(true);
    expect([decrypt(old, 'a', restarted), decrypt(written, 'a', restarted)]).toEqual(['old', 'new']);
    await restarted.change(() => Promise.resolve());
    expect(await fileOf('secret.key')).toBe(next);
    expect(restarted.isChanging).toBe(false);
    expect((await openSecretKey(dir)).isChanging).toBe(false);
  });

  test('that another process changes is read and used at once, from the beginning of the change on', async () => {
    const [ours, theirs] = [await openSecretKey(dir), await openSecretKey(dir)];
    const before = encrypt('old', 'a', theirs);
    let between: Buffer = Buffer.alloc(0);
    const after = await ours.change(async () => {
      between = encrypt('between', 'a', theirs);
      expect(theirs.current.equals(ours.current)).toBe(true);
      return encrypt('new', 'a', ours);
    });
    expect(theirs.current.equals(ours.current)).toBe(true);
    for (const keys of [ours, theirs, await openSecretKey(dir)]) {
      const opened = [before, between, after].map((one) => decrypt(one, 'a', keys));
      expect(opened).toEqual(['old', 'between', 'new']);
    }
  });

  test('goes on to be used where its file is gone or damaged meanwhile', async () => {
    const key = await openSecretKey(dir);
    const sealed = encrypt('sesame', 'a', key);
    await writeFile(join(dir, 'secret.key'), 'short\n');
    expect(decrypt(sealed, 'a', key)).toBe('sesame');
    await rm(join(dir, 'secret.key'));
    expect(decrypt(encrypt('again', 'a', key), 'a', key)).toBe('again');
  });

  test('is changed by one at a time', async () => {
    const key = await openSecretKey(dir);
    let active = 0;
    const change = () =>
      key.change(async () => {
        active += 1;
        await new Promise(setImmediate);
        expect(active).toBe(1);
        active -= 1;
        return key.current.toString('hex');
      });
    const [first, second] = await Promise.all([change(), change()]);
    expect(first).not.toBe(second);
    expect((await openSecretKey(dir)).current.toString('hex')).toBe(second);
  });
});
