/** The dashboard in a browser, as a person sits before it. */
import axe from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';
import { expect, onTestFailed } from 'vitest';
import type { Client } from '../conformance/client.ts';

/** A page whose console is listened to: an error there is a failure of the test, whatever the page looks like. */
export async function openPage(context: BrowserContext): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  tellOfFailure(page, complaints);
  return { page, complaints };
}

/** What was to be seen says more than what was waited for in vain. */
function tellOfFailure(page: Page, complaints: readonly string[]): void {
  try {
    onTestFailed(async () => {
      const text = page.isClosed() ? 'it is closed' : await page.evaluate<string>('document.body.innerText');
      console.error(`The page ${page.url()} showed:\n${text}\nIts console: ${JSON.stringify(complaints)}`);
    });
  } catch {
    // It was opened for several tests.
  }
}

/** Signs the browser in as whoever the client is: by the cookie that a sign-in by form leaves. */
export async function signInAs(context: BrowserContext, client: Client): Promise<void> {
  if (client.token === null) throw new Error('this client is not signed in');
  await context.addCookies([{ name: 'hypervisor_session', value: client.token, url: client.url }]);
}

/** Opens an address; an answer that is no page is told at once, and not by what is missing on it. */
export async function visit(page: Page, url: string): Promise<void> {
  const response = await page.goto(url);
  if (response?.ok() !== true)
    throw new Error(`${url} was answered with ${response?.status()}: ${await response?.text()}`);
}

/** Until nothing on the page is still being loaded. */
export async function loaded(page: Page): Promise<void> {
  for (const one of await page.getByLabel('Loading', { exact: true }).all()) await one.waitFor({ state: 'detached' });
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[];
}

/** What axe finds serious or critical on the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const violations = (await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  )) as Violation[];
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} ${failureSummary ?? ''}`).join('; ')}`,
    );
  expect(serious, page.url()).toEqual([]);
}
