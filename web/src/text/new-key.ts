/** A key that nobody else has. `crypto.randomUUID` is only there over HTTPS and on this machine; this is everywhere. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
