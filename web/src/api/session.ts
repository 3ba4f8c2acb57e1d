/** Whether somebody is signed in, as far as it is known without asking. The session itself is in a cookie that scripts can't read. */
const page = document.documentElement;

/** The server has said with the page that there is no session, and nobody has signed in since. */
export const isSignedOut = (): boolean => page.dataset['session'] === 'none';

export function noteSignedIn(): void {
  delete page.dataset['session'];
}
