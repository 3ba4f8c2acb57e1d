import { describe, expect, it } from 'vitest';
import { refuseWeakPassword } from './auth-passwords.ts';

const person = { username: 'margaret', email: 'm.hamilton@example.com' };

describe('passwords', () => {
  it.each([
    ['password123', 'is among the best-known passwords'],
    ['PassWord1234', 'is among the best-known passwords'],
    ['zzzzzzzzzzzz', 'must not repeat one character'],
    ['abcdefghijkl', 'must not be a sequence of neighbouring characters'],
    ['zyxwvutsrqpo', 'must not be a sequence of neighbouring characters'],
    ['Margaret-1969', 'must not contain the username or the e-mail address'],
    ['xxm.hamiltonxx', 'must not contain the username or the e-mail address'],
  ])('%s is refused', (password, reason) => {
    expect(() => refuseWeakPassword(password, person)).toThrow(reason);
  });

  it('that nobody would guess are taken', () => {
    expect(() => refuseWeakPassword('tidal-otter-brass-42', person)).not.toThrow();
    // Three letters are inside many words by chance.
    expect(() => refuseWeakPassword('evening-tidal-brass', { username: 'eve', email: 'eve@x.org' })).not.toThrow();
  });
});
