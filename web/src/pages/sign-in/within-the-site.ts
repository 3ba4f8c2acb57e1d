/** Where to go after signing in: an address of this site only, whatever the link said that somebody was sent. */
export function withinTheSite(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])/.test(to) ? to : '/';
}
