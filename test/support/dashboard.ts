/** The dashboard in a browser, as a person sits before it. */
import axe from 'axe-core';
import type { BrowserContext, Page, Response } from 'playwright-core';
import { expect, onTestFailed } from 'vitest';
import type { Client } from '../conformance/client.ts';

/**
 * Chromium gives up whatever it is loading when an interface of the machine comes or goes, as with every container that other tests start
 * beside it. That says nothing of the page.
 */
const networkChanged = 'net::ERR_NETWORK_CHANGED';
const parts = new Set(['script', 'stylesheet']);
const visitsMax = 5;

/** A page whose console is listened to: an error there is a failure of the test, whatever the page looks like. */
export async function openPage(context: BrowserContext): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  const note = (text: string, url: string) => {
    // What it could not load for another reason is told of by itself, too.
    const isCutOff = text.includes(networkChanged) || text.includes('dynamically imported module');
    if (!isCutOff) complaints.push(`${text} (${url})`);
  };
  page.on('console', (message) => {
    if (message.type() === 'error') note(message.text(), message.location().url);
  });
  // Without its scripts a page stays empty. Whoever sits before it would load it again.
  page.on('requestfailed', (request) => {
    if (request.failure()?.errorText !== networkChanged || !parts.has(request.resourceType())) return;
    page.reload().catch(() => undefined);
  });
  page.on('pageerror', (error) => note(error.message, page.url()));
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
  const response = await open(page, url);
  if (response?.ok() !== true)
    throw new Error(`${url} was answered with ${response?.status()}: ${await response?.text()}`);
}

async function open(page: Page, url: string): Promise<Response | null> {
  for (let visits = 1; ; visits += 1) {
    try {
      return await page.goto(url);
    } catch (error) {
      const isCutOff =
        error instanceof Error && /ERR_NETWORK_CHANGED|ERR_ABORTED|interrupted by another/.test(error.message);
      if (!isCutOff || visits === visitsMax) throw error;
    }
  }
}

/** As a link would, without loading the dashboard anew. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', ${JSON.stringify(path)})`);
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
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe.source);
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
