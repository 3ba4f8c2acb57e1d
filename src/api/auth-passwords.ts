/** Passwords that anybody would try first (NIST SP 800-63B, 5.1.1.2). That they are long enough, the schema says. */
import { invalidField } from './errors.ts';

/** Of the best-known lists, those with ten characters or more: shorter ones are refused for their length. */
const wellKnown = new Set(
  `1234567890 12345678910 123456789a a123456789 1q2w3e4r5t 1qaz2wsx3edc 1qazxsw23edc q1w2e3r4t5 q1w2e3r4t5y6 qwertyuiop
  qwerty1234 qwerty12345 qwerty123456 qwertyuiop123 asdfghjkl1 asdfghjkl123 zxcvbnm123 qazwsxedcrfv password12 password123
  password1234 password12345 passwordpassword passw0rd123 p@ssw0rd123 p@ssword123 password!123 adminadmin admin12345
  admin123456 administrator letmein123 letmeinnow welcome123 welcome1234 changeme123 changemenow iloveyou12 iloveyou123
  iloveyou1234 superman123 batman12345 football123 baseball123 basketball dragon12345 monkey12345 sunshine123 princess123
  michael123 trustno1trustno1 abcd123456 abc1234567 abc123abc123 aa12345678 1234qwerasdf qwer1234asdf 123qweasdzxc
  123123123123 1231231234 0987654321 9876543210 1122334455 1111122222 1029384756 default123 secret1234 supersecret
  correcthorsebatterystaple hypervisor hypervisor1 hypervisor123`.split(/\s+/),
);

/** The shortest name that counts as part of a password: shorter ones are inside many words by chance. */
const shortestName = 4;

/** 400 with the reason, for a password that is among the first to be guessed for this person. */
export function refuseWeakPassword(password: string, person: { username: string; email: string }): void {
  const weakness = weaknessOf(password.toLowerCase(), person);
  if (weakness !== null) throw invalidField('password', weakness);
}

function weaknessOf(password: string, { username, email }: { username: string; email: string }): string | null {
  if (wellKnown.has(password)) return 'is among the best-known passwords';
  if (new Set(password).size === 1) return 'must not repeat one character';
  if (isSequence(password)) return 'must not be a sequence of neighbouring characters';
  const names = [username, email.split('@', 1)[0] ?? ''].map((name) => name.toLowerCase());
  if (names.some((name) => name.length >= shortestName && password.includes(name))) {
    return 'must not contain the username or the e-mail address';
  }
  return null;
}

/** abcdefghij, 9876543210 */
function isSequence(password: string): boolean {
  const codes = Array.from(password, (character) => character.charCodeAt(0));
  return [1, -1].some((step) => codes.every((code, i) => i === 0 || code - (codes[i - 1] ?? 0) === step));
}
