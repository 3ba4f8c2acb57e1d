/** Where to go after signing in: an address of this site only, whatever the link said that somebody was sent. */
export function withinTheSite(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])/.test(to) ? to : '/';
}

/** The code of the invite that somebody was sent, where that is what led to the page. */
export function inviteIn(to: string | undefined): string | undefined {
  return /^\/join\/([\w-]+)$/.exec(to ?? '')?.[1];
}
